//! Moves messages from node to node.
//!
//! Invariant E1: a message below the watermark is dropped. Invariant E6: a lane hands over its oldest message, and no
//! other.

use std::time::Duration;

use apostate_partition::limits::RETRY_DELAY_MIN;
use apostate_partition::{Failure, Tuning};

use super::node::{LaneId, Message, NodeId, Waiting};
use super::running::{RunEnd, Source};
use super::world::{Event, IsolatedWorld};
use crate::finding::{Check, Finding};
use crate::trace::{TraceEvent, TraceLine, TracedMessage};
use apostate_world::{Moment, SECOND};

impl IsolatedWorld {
    /// The oldest message of a lane arrives.
    pub(super) fn deliver(&mut self, id: LaneId) -> Check {
        let lane = &self.lanes[id as usize];
        let (from, to) = (lane.from, lane.to);
        let Some(message) = lane.queue.front() else { return Ok(()) };
        let number = message.number;
        let now = self.agenda.now();
        let back = self.nodes[to as usize].back;
        if back > now {
            let delay = self.delay(to);
            self.agenda.plan_at(back + delay, Event::Deliver(id));
            return Ok(());
        }
        if self.has_fault(|plan| plan.loss) {
            self.faults.lost += 1;
            let delay = self.delay(to) + SECOND / 20;
            self.agenda.plan_in(delay, Event::Deliver(id));
            return Ok(());
        }
        let sender = self.nodes[from as usize].address.hash();
        let node = &mut self.nodes[to as usize];
        if node.has_applied(from, sender, number) {
            self.faults.duplicates += 1;
            self.acknowledge(id, true);
            return Ok(());
        }
        let Some(message) = self.lanes[id as usize].queue.front().cloned() else { return Ok(()) };
        if !node.inbox.is_empty() {
            node.apply(from, sender, number);
            node.inbox.push_back(Waiting { message, attempts: 0, since: now });
            self.acknowledge(id, true);
            return Ok(());
        }
        match self.run(to, &message, Source::Lane)? {
            RunEnd::Crashed => {
                let delay = self.delay(to);
                self.agenda.plan_in(delay, Event::Deliver(id));
            }
            RunEnd::Committed(_) | RunEnd::Missing => self.acknowledge(id, false),
            RunEnd::Panicked(_) => {
                let node = &mut self.nodes[to as usize];
                node.apply(from, sender, number);
                node.inbox.push_back(Waiting { message, attempts: 1, since: now });
                self.agenda.plan_in(microseconds(RETRY_DELAY_MIN), Event::Inbox(to));
                self.acknowledge(id, true);
            }
            RunEnd::Impossible(code, why) => {
                self.nodes[to as usize].apply(from, sender, number);
                self.give_up(to, &message, code, why)?;
                self.acknowledge(id, true);
            }
        }
        Ok(())
    }

    /// Tells the sender that its oldest message has arrived, or fails to.
    fn acknowledge(&mut self, id: LaneId, is_safe: bool) {
        let to = self.lanes[id as usize].to;
        let is_second_time = std::mem::take(&mut self.nodes[to as usize].is_second_time);
        let is_every = self.plan.is_every_commit && is_second_time && !self.is_healed;
        let is_crash = !is_safe && (is_every || self.has_fault(|plan| plan.crash_after));
        if is_crash {
            self.faults.crashes_after += 1;
            self.crash(to);
        }
        let delay = self.delay(to);
        if is_crash || self.has_fault(|plan| plan.loss) {
            // It comes again.
            self.agenda.plan_in(delay + SECOND / 20, Event::Deliver(id));
            return;
        }
        let is_doubled = self.has_fault(|plan| plan.doubles);
        let lane = &mut self.lanes[id as usize];
        let number = lane.queue.pop_front().map(|message| message.number);
        let is_more = !lane.queue.is_empty();
        if let Some(number) = number.filter(|_| is_doubled) {
            let late = delay + self.rng.below(SECOND);
            self.agenda.plan_in(late, Event::Copy(id, number));
        }
        if is_more {
            self.agenda.plan_in(delay, Event::Deliver(id));
        }
    }

    /// A late copy of a message arrives, and is known by its number.
    pub(super) fn copy(&mut self, id: LaneId, number: u64) -> Check {
        let lane = &self.lanes[id as usize];
        let sender = self.nodes[lane.from as usize].address.hash();
        if !self.nodes[lane.to as usize].has_applied(lane.from, sender, number) {
            let text = "E1 broken: a message was acknowledged, and stands above the watermark".to_owned();
            return Err(Finding::Platform(text));
        }
        self.faults.duplicates += 1;
        Ok(())
    }

    /// The first message of an inbox is tried again.
    pub(super) fn inbox(&mut self, id: NodeId) -> Check {
        let now = self.agenda.now();
        let node = &mut self.nodes[id as usize];
        let Some(first) = node.inbox.front_mut() else { return Ok(()) };
        first.attempts += 1;
        if first.attempts == 1 {
            first.since = now;
        }
        let (attempts, since, message) = (first.attempts, first.since, first.message.clone());
        let delay = match self.run(id, &message, Source::Inbox)? {
            RunEnd::Crashed => {
                if let Some(first) = self.nodes[id as usize].inbox.front_mut() {
                    first.attempts -= 1;
                }
                SECOND / 100
            }
            RunEnd::Committed(_) | RunEnd::Missing => 1,
            RunEnd::Panicked(text) => {
                let wait = microseconds(RETRY_DELAY_MIN) << (attempts - 1).min(20);
                if now + wait - since <= microseconds(Tuning::default().retry_time_max) {
                    wait
                } else {
                    self.nodes[id as usize].inbox.pop_front();
                    let why = format!("it panicked {attempts} times: {text}");
                    self.give_up(id, &message, Failure::Panicked(text).reason_code(), why)?;
                    1
                }
            }
            RunEnd::Impossible(code, why) => {
                self.nodes[id as usize].inbox.pop_front();
                self.give_up(id, &message, code, why)?;
                1
            }
        };
        if !self.nodes[id as usize].inbox.is_empty() {
            self.agenda.plan_in(delay, Event::Inbox(id));
        }
        Ok(())
    }

    pub(super) fn park(&mut self, id: NodeId, message: &Message, why: String) {
        if let Some(posted) = &message.timer {
            self.nodes[id as usize].timers.take(posted);
        }
        let node = &self.nodes[id as usize];
        let from = self.sender(message).map(|from| self.nodes[from as usize].address.clone());
        let text = self.names.message(from.as_ref(), &node.address, message.handler, &message.body);
        self.parked.push(format!("{text}: {why}"));
        self.tell(id, message, TraceEvent::Words("parked".to_owned()));
    }

    /// The node that sent a message; none if it comes from outside.
    pub(super) fn sender(&self, message: &Message) -> Option<NodeId> {
        (message.number > 0).then_some(message.from)
    }

    /// A node loses everything that is not committed.
    pub(super) fn crash(&mut self, id: NodeId) {
        let down = 1 + self.delay(id);
        let node = &mut self.nodes[id as usize];
        node.committed.forget();
        node.back = self.agenda.now() + down;
    }

    /// Adds a line to the trace.
    pub(super) fn tell(&mut self, id: NodeId, message: &Message, what: TraceEvent) -> u64 {
        let from = self.sender(message).map(|from| self.nodes[from as usize].address.clone());
        let (at, to) = (self.agenda.now(), self.nodes[id as usize].address.clone());
        let Message { handler, role, body, cause, .. } = message.clone();
        let about = Some(TracedMessage { cause, from, to, role, handler, body });
        self.trace.add(TraceLine { at, about, what })
    }
}

fn microseconds(duration: Duration) -> Moment {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

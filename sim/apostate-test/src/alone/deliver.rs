//! Moves messages from place to place, and runs them.
//!
//! Invariant E1: a message below the watermark is dropped. Invariant E2: what a run sends is on its way when the run is
//! committed, and not before. Invariant E6: a lane hands over its oldest message, and no other.

use std::collections::VecDeque;
use std::time::Duration;

use apostate_core::{Address, HandlerId, Mode, OnRefused, Outcome, Refusal, Refused, Visit, encode};
use apostate_partition::Tuning;
use apostate_partition::limits::RETRY_DELAY_MIN;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::place::{Message, Waiting};
use super::{Alone, AskId, Event, LaneId, PlaceId};
use crate::agenda::{Moment, SECOND};
use crate::call::Answer;
use crate::chronicle::{About, Line, Mark, What};
use crate::finding::{Check, Finding};
use crate::twins::Mistake;

/// The way of messages from one entity to another.
pub(super) struct Lane {
    pub(super) from: PlaceId,
    pub(super) to: PlaceId,
    /// What was not acknowledged, oldest first.
    pub(super) queue: VecDeque<Message>,
}

/// Where a message comes from, and what is committed together with its effects.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// A lane: its watermark.
    Lane,
    /// The inbox: the message leaves it.
    Inbox,
    /// The world outside: the reply, under its client key.
    Outside(AskId),
    /// The world outside, which only looks.
    Look,
}

/// What came of a run.
pub(super) enum Came {
    /// It crashed before its commit: as if nothing was.
    Crashed,
    /// Committed.
    Done(Vec<u8>),
    /// Committed as a refusal: the entity is as it was.
    Refused(Refusal),
    /// There is nothing to look at.
    Missing,
    /// The handler panicked. Nothing was changed.
    Panicked(String),
    /// It cannot be run at all.
    Impossible(String),
}

impl Alone {
    /// The oldest message of a lane arrives.
    pub(super) fn deliver(&mut self, id: LaneId) -> Check {
        let lane = &self.lanes[id as usize];
        let (from, to) = (lane.from, lane.to);
        let Some(message) = lane.queue.front() else { return Ok(()) };
        let number = message.number;
        let now = self.agenda.now();
        let back = self.places[to as usize].back;
        if back > now {
            let delay = self.delay(to);
            self.agenda.plan_at(back + delay, Event::Deliver(id));
            return Ok(());
        }
        if self.is_struck(|plan| plan.loss) {
            self.faults.lost += 1;
            let delay = self.delay(to) + SECOND / 20;
            self.agenda.plan(delay, Event::Deliver(id));
            return Ok(());
        }
        let sender = self.places[from as usize].address.hash();
        let place = &mut self.places[to as usize];
        if place.has_applied(from, sender, number) {
            self.faults.duplicates += 1;
            self.acknowledge(id, true);
            return Ok(());
        }
        let Some(message) = self.lanes[id as usize].queue.front().cloned() else { return Ok(()) };
        if !place.inbox.is_empty() {
            place.apply(from, sender, number);
            place.inbox.push_back(Waiting { message, attempts: 0, since: now });
            self.acknowledge(id, true);
            return Ok(());
        }
        match self.run(to, &message, Source::Lane)? {
            Came::Crashed => {
                let delay = self.delay(to);
                self.agenda.plan(delay, Event::Deliver(id));
            }
            Came::Done(_) | Came::Refused(_) | Came::Missing => self.acknowledge(id, false),
            Came::Panicked(_) => {
                let place = &mut self.places[to as usize];
                place.apply(from, sender, number);
                place.inbox.push_back(Waiting { message, attempts: 1, since: now });
                self.agenda.plan(microseconds(RETRY_DELAY_MIN), Event::Inbox(to));
                self.acknowledge(id, true);
            }
            Came::Impossible(why) => {
                self.places[to as usize].apply(from, sender, number);
                self.park(to, &message, why);
                self.acknowledge(id, true);
            }
        }
        Ok(())
    }

    /// Tells the sender that its oldest message has arrived, or fails to.
    fn acknowledge(&mut self, id: LaneId, is_safe: bool) {
        let to = self.lanes[id as usize].to;
        let is_second_time = std::mem::take(&mut self.places[to as usize].is_second_time);
        let is_every = self.plan.is_every_commit && is_second_time && !self.is_healed;
        let is_crash = !is_safe && (is_every || self.is_struck(|plan| plan.crash_after));
        if is_crash {
            self.faults.crashes_after += 1;
            self.crash(to);
        }
        let delay = self.delay(to);
        if is_crash || self.is_struck(|plan| plan.loss) {
            // It comes again.
            self.agenda.plan(delay + SECOND / 20, Event::Deliver(id));
            return;
        }
        let is_doubled = self.is_struck(|plan| plan.doubles);
        let lane = &mut self.lanes[id as usize];
        let number = lane.queue.pop_front().map(|message| message.number);
        let is_more = !lane.queue.is_empty();
        if let Some(number) = number.filter(|_| is_doubled) {
            let late = delay + self.luck.below(SECOND);
            self.agenda.plan(late, Event::Copy(id, number));
        }
        if is_more {
            self.agenda.plan(delay, Event::Deliver(id));
        }
    }

    /// A late copy of a message arrives, and is known by its number.
    pub(super) fn copy(&mut self, id: LaneId, number: u64) -> Check {
        let lane = &self.lanes[id as usize];
        let sender = self.places[lane.from as usize].address.hash();
        if !self.places[lane.to as usize].has_applied(lane.from, sender, number) {
            let text = "E1 broken: a message was acknowledged, and stands above the watermark".to_owned();
            return Err(Finding::Platform(text));
        }
        self.faults.duplicates += 1;
        Ok(())
    }

    /// The first message of an inbox is tried again.
    pub(super) fn inbox(&mut self, id: PlaceId) -> Check {
        let now = self.agenda.now();
        let place = &mut self.places[id as usize];
        let Some(first) = place.inbox.front_mut() else { return Ok(()) };
        first.attempts += 1;
        if first.attempts == 1 {
            first.since = now;
        }
        let (attempts, since, message) = (first.attempts, first.since, first.message.clone());
        let delay = match self.run(id, &message, Source::Inbox)? {
            Came::Crashed => {
                if let Some(first) = self.places[id as usize].inbox.front_mut() {
                    first.attempts -= 1;
                }
                SECOND / 100
            }
            Came::Done(_) | Came::Refused(_) | Came::Missing => 1,
            Came::Panicked(text) => {
                let wait = microseconds(RETRY_DELAY_MIN) << (attempts - 1).min(20);
                if now + wait - since <= microseconds(Tuning::default().retry_time_max) {
                    wait
                } else {
                    self.places[id as usize].inbox.pop_front();
                    self.park(id, &message, format!("it panicked {attempts} times: {text}"));
                    1
                }
            }
            Came::Impossible(why) => {
                self.places[id as usize].inbox.pop_front();
                self.park(id, &message, why);
                1
            }
        };
        if !self.places[id as usize].inbox.is_empty() {
            self.agenda.plan(delay, Event::Inbox(id));
        }
        Ok(())
    }

    fn park(&mut self, id: PlaceId, message: &Message, why: String) {
        let place = &self.places[id as usize];
        let from = self.sender(message).map(|from| self.places[from as usize].address.clone());
        let text = self.names.message(from.as_ref(), &place.address, message.handler, &message.body);
        self.parked.push(format!("{text}: {why}"));
        self.tell(id, message, What::Words("parked".to_owned()));
    }

    /// The place that sent a message; none if it comes from outside.
    fn sender(&self, message: &Message) -> Option<PlaceId> {
        (message.number > 0).then_some(message.from)
    }

    /// A place loses everything that is not committed.
    pub(super) fn crash(&mut self, id: PlaceId) {
        let down = 1 + self.delay(id);
        let place = &mut self.places[id as usize];
        place.kept.forget();
        place.back = self.agenda.now() + down;
    }

    /// Adds a line to the chronicle.
    pub(super) fn tell(&mut self, id: PlaceId, message: &Message, what: What) -> u64 {
        let from = self.sender(message).map(|from| self.places[from as usize].address.clone());
        let (at, to) = (self.agenda.now(), self.places[id as usize].address.clone());
        let Message { handler, body, cause, .. } = message.clone();
        let about = Some(About { cause, from, to, handler, body });
        self.chronicle.add(Line { at, about, what })
    }

    /// Runs a message at a place, and commits what comes of it unless the place crashes first.
    pub(super) fn run(&mut self, id: PlaceId, message: &Message, source: Source) -> Check<Came> {
        let now = self.agenda.now();
        let luck = self.luck.next();
        let sender = self.sender(message);
        let from = sender.map(|from| self.places[from as usize].address.clone());
        let place = &mut self.places[id as usize];
        let time = place.time(now);
        let kind = &self.names.0.kinds()[place.kind];
        let Some(number) = kind.find(message.handler) else {
            let entity = self.names.entity(&place.address);
            return Err(Finding::Unknown(format!("{entity} has no handler {:?}", message.handler)));
        };
        let info = kind.handlers[number];
        if info.mode == Mode::Looks && place.kept.state.is_none() {
            return Ok(Came::Missing);
        }
        let address = place.address.clone();
        let wants_reply = matches!(source, Source::Outside(_) | Source::Look);
        let visit = Visit {
            to: &address,
            sender: from.as_ref(),
            handler: message.handler,
            body: &message.body,
            now: time,
            luck,
            wants_reply,
        };
        let ran = self.twins.run(&self.names, kind, &mut place.kept, number, &visit);
        let ran = ran.map_err(|mistake| self.name(mistake, &address, info.name))?;
        let words = match &ran.outcome {
            Outcome::Panicked(text) => Some((Came::Panicked(text.clone()), format!("panicked: {text}"))),
            Outcome::Unreadable(error) => Some((Came::Impossible(error.0.clone()), "does not read".to_owned())),
            Outcome::TooLarge => {
                let why = "the transaction is too large".to_owned();
                Some((Came::Impossible(why.clone()), why))
            }
            Outcome::Done | Outcome::Refused(_) => None,
        };
        if let Some((came, words)) = words {
            self.tell(id, message, What::Words(words));
            return Ok(came);
        }
        if self.crashes(id, source) {
            self.faults.crashes_before += 1;
            self.tell(id, message, What::Words("crashed before the commit".to_owned()));
            self.crash(id);
            return Ok(Came::Crashed);
        }
        // What the run sent and answered is given to the commit.
        let mut sent = std::mem::take(&mut self.twins.effects.sent);
        let reply = std::mem::take(&mut self.twins.effects.reply);
        let came = match ran.outcome {
            Outcome::Refused(refusal) => {
                sent.clear();
                Came::Refused(refusal)
            }
            _ => Came::Done(reply),
        };
        let input = input_mark(&address, from.as_ref(), message);
        let mut output = Xxh3::with_seed(input);
        for message in &sent {
            output.update(&message.to.hash().to_le_bytes());
            output.update(&message.handler.0.to_le_bytes());
            output.update(&message.body);
        }
        let what = match &came {
            Came::Refused(refusal) => {
                output.update(refusal.text.as_bytes());
                What::Words(format!("refused: {refusal}"))
            }
            Came::Done(reply) => {
                output.update(reply);
                What::Done { reply: reply.clone(), sent: sent.len() }
            }
            _ => unreachable!("it ran to its end"),
        };
        if let Some(after) = &ran.after {
            output.update(after.state.as_deref().unwrap_or_default());
        }
        let line = self.tell(id, message, what);
        self.mark(Mark { input, output: output.digest() }, &address, info.name)?;

        // The commit: state, watermark or inbox or client key, and messages.
        let hash = from.as_ref().map_or(0, Address::hash);
        let place = &mut self.places[id as usize];
        if let Some(after) = ran.after {
            place.kept = after;
        }
        match source {
            Source::Lane => place.apply(message.from, hash, message.number),
            Source::Inbox => {
                place.inbox.pop_front();
                place.is_second_time = false;
            }
            Source::Outside(ask) => {
                let answer = match &came {
                    Came::Refused(refusal) => Answer::Refused(refusal.clone()),
                    Came::Done(reply) => Answer::Done(reply.clone()),
                    _ => unreachable!("it ran to its end"),
                };
                place.keys.insert(ask, answer);
            }
            Source::Look => {}
        }
        for message in sent.drain(..) {
            self.post(id, &message.to, message.handler, message.on_refused, message.body, line)?;
        }
        self.twins.effects.sent = sent;
        if let (Came::Refused(refusal), OnRefused::Tell { handler, .. }, Some(sender)) =
            (&came, message.on_refused, &from)
        {
            let refused = Refused { handler: info.name.to_owned(), why: refusal.clone() };
            self.post(id, sender, handler, OnRefused::Never, encode(&refused), line)?;
        }
        Ok(came)
    }

    /// Whether the place crashes before it commits what it just ran.
    fn crashes(&mut self, id: PlaceId, source: Source) -> bool {
        if matches!(source, Source::Look) || self.is_healed {
            return false;
        }
        let place = &mut self.places[id as usize];
        if self.plan.is_every_commit && !place.is_second_time {
            place.is_second_time = true;
            return true;
        }
        self.is_struck(|plan| plan.crash_before)
    }

    /// Puts a message on its way, as part of a commit.
    fn post(
        &mut self,
        from: PlaceId,
        to: &Address,
        handler: HandlerId,
        on_refused: OnRefused,
        body: Vec<u8>,
        cause: u64,
    ) -> Check {
        let to = self.place_of(to)?;
        let lanes = &mut self.lanes;
        let lane = *self.lane_of.entry((from, to)).or_insert_with(|| {
            lanes.push(Lane { from, to, queue: VecDeque::new() });
            lanes.len() as LaneId - 1
        });
        let sender = &mut self.places[from as usize];
        sender.sent += 1;
        let number = sender.sent;
        let queue = &mut self.lanes[lane as usize].queue;
        queue.push_back(Message { from, number, handler, on_refused, body, cause });
        if queue.len() == 1 {
            let delay = self.delay(to);
            self.agenda.plan(delay, Event::Deliver(lane));
        }
        Ok(())
    }

    fn name(&self, mistake: Mistake, entity: &Address, handler: &str) -> Finding {
        let (entity, handler) = (self.names.entity(entity), handler.to_owned());
        match mistake {
            Mistake::Unsteady(how) => Finding::StateUnsteady { entity, handler, how },
            Mistake::Lost(how) => Finding::StateLost { entity, handler, how },
            Mistake::Differs(how) => Finding::HandlerDiffers { entity, handler, how },
            Mistake::LookChanges => Finding::LookChanges { entity, handler },
        }
    }
}

/// Who sent what to whom, as a number.
fn input_mark(to: &Address, from: Option<&Address>, message: &Message) -> u64 {
    let from = from.map_or(0, Address::hash);
    xxh3_64_with_seed(&message.body, to.hash() ^ from.rotate_left(17) ^ u64::from(message.handler.0))
}

fn microseconds(duration: Duration) -> Moment {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! Opens partitions and carries out their effects: appends, frames, answers, checkpoints, loads, and what goes wrong with them.

use std::sync::Arc;

use apostate_log::{Log, PartitionId, Position};
use apostate_partition::delivery::Frame;
use apostate_partition::{Config, Effect, Input, Message, Notice};
use apostate_world::{Moment, RunningPartition, SECOND};
use bytes::Bytes;

use super::ask::ask_of;
use super::world::{Event, PartitionedWorld};
use crate::finding::{Check, Finding};
use crate::trace::TracedMessage;

impl PartitionedWorld {
    /// Opens a partition, again or for the first time.
    pub(super) fn open(&mut self, at: usize) -> Check {
        let seed = self.rng.next();
        let partition = &mut self.partitions[at];
        partition.disk.begin_writer();
        let config = Config {
            id: partition.id,
            map: Arc::new(self.map.clone()),
            registry: Arc::clone(&self.names.0),
            tuning: self.tuning,
            seed,
            suspects: Vec::new(),
        };
        let opened = RunningPartition::open(config, &partition.disk.store, &partition.disk.log);
        partition.running = Some(opened.map_err(|error| Finding::Platform(format!("P6 broken: {error}")))?);
        let life = partition.life;
        self.give(at, life, Input::Open);
        Ok(())
    }

    /// Tells a partition something; it works soon.
    pub(super) fn give(&mut self, at: usize, life: u64, input: Input) {
        let now = self.agenda.now();
        let partition = &mut self.partitions[at];
        let clock = partition.clock(now);
        if partition.life != life {
            return;
        }
        let Some(running) = &mut partition.running else { return };
        if running.give(clock, input) {
            let delay = self.rng.below(SECOND / 1000);
            self.agenda.plan_in(delay, Event::Turn(at, life));
        }
    }

    /// A partition works, and what it wants is done.
    pub(super) fn turn(&mut self, at: usize, life: u64) -> Check {
        let now = self.agenda.now();
        let partition = &mut self.partitions[at];
        let clock = partition.clock(now);
        if partition.life != life {
            return Ok(());
        }
        let Some(running) = &mut partition.running else { return Ok(()) };
        let mut effects = running.begin_turn(now, clock);
        for effect in effects.drain(..) {
            if self.partitions[at].life != life {
                // It has crashed in the middle of it.
                break;
            }
            self.carry_out(at, life, effect)?;
        }
        if let Some(running) = &mut self.partitions[at].running {
            running.end_turn(effects);
        }
        Ok(())
    }

    fn carry_out(&mut self, at: usize, life: u64, effect: Effect) -> Check {
        let now = self.agenda.now();
        match effect {
            Effect::Append { at: position, record } => {
                if self.has_fault(|plan| plan.crash_before) {
                    self.faults.crashes_before += 1;
                    self.crash(at, "before a commit");
                    return Ok(());
                }
                let is_last = self.has_fault(|plan| plan.crash_after);
                let delay = self.rng.below(SECOND / 200);
                let Some(running) = &mut self.partitions[at].running else { return Ok(()) };
                let lands = running.lands_at(now + delay);
                self.agenda.plan_at(lands, Event::Land { partition: at, life, at: position, record, is_last });
            }
            Effect::Confirm { .. } => self.store(at, life, effect, SECOND / 200),
            Effect::Load(_) | Effect::Checkpoint(_) => self.store(at, life, effect, SECOND / 50),
            Effect::Frame { to, bytes } => self.carry(at, to, bytes),
            Effect::Answer { ticket, answer } => {
                let delay = self.delay(at);
                self.agenda.plan_in(delay, Event::Answer(ask_of(ticket), Box::new(answer)));
            }
            Effect::Settled { entity, number } => self.settled(&entity, number),
            Effect::CheckpointDone { ticket } => self.partitions[at].stored = Some(ticket),
            Effect::Trim { before } => self.partitions[at].disk.log.trim(before),
            Effect::WakeAt(time) => {
                let partition = &mut self.partitions[at];
                let wait = time.0.saturating_sub(partition.clock(now).uptime.0) * 1000;
                let when = now + wait.max(SECOND / 1000);
                if partition.running.as_mut().is_some_and(|running| running.wake_at(when)) {
                    self.agenda.plan_at(when, Event::Turn(at, life));
                }
            }
            Effect::Notice(notice) => self.notice(notice),
            // No partition is split here.
            Effect::Span(_) | Effect::Sealed(_) | Effect::SplitRefused(_) => {}
            Effect::Stopped(reason) => {
                return Err(Finding::Platform(format!("partition {} stopped: {reason}", self.partitions[at].id)));
            }
        }
        Ok(())
    }

    /// Has log or store carry out an effect; the partition hears of it within `most`.
    fn store(&mut self, at: usize, life: u64, effect: Effect, most: Moment) {
        let delay = self.rng.below(most);
        let Ok(answers) = self.partitions[at].disk.carry_out(effect) else { return };
        for input in answers {
            self.agenda.plan_in(delay, Event::Tell(at, life, Box::new(input)));
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Panicked { entity, handler, text, next, trace: _ } => {
                self.tell(None, format!("{entity} {handler} panicked: {text}; {next}"));
            }
            Notice::Parked { entity, handler, reason, trace: _ } => {
                self.tell(None, format!("a message for {entity} {handler} was parked: {reason}"));
                self.parked.push(format!("{entity} {handler}: {reason}"));
            }
            Notice::Unknown { entity, handler } => {
                self.tell(None, format!("{entity} has no handler {handler:08x}: the message waits"));
            }
            Notice::Serving { .. }
            | Notice::Settled { .. }
            | Notice::SettledOtherwise { .. }
            | Notice::TimeOffset(_)
            | Notice::NewerPeer { .. }
            | Notice::Backlog { .. }
            | Notice::LogFull => {}
        }
    }

    /// Loses everything of a partition that its log and its store do not have.
    fn crash(&mut self, at: usize, when: &str) {
        let partition = &mut self.partitions[at];
        let words = format!("partition {} crashes {when}", partition.id);
        partition.before = partition.counts();
        partition.running = None;
        partition.life += 1;
        self.tell(None, words);
        let delay = self.delay(at);
        self.agenda.plan_in(delay, Event::Open(at));
    }

    /// An append reaches the log.
    pub(super) fn land(&mut self, at: usize, life: u64, position: Position, record: Bytes, is_last: bool) {
        let partition = &mut self.partitions[at];
        if partition.life != life {
            // It died with its process.
            return;
        }
        let done = partition.disk.append(position, record);
        if is_last {
            self.faults.crashes_after += 1;
            self.crash(at, "after a commit");
            return;
        }
        let delay = self.rng.below(SECOND / 1000);
        let now = self.agenda.now();
        let Some(running) = &mut self.partitions[at].running else { return };
        let answered = running.answered_at(now + delay);
        for input in done {
            self.agenda.plan_at(answered, Event::Tell(at, life, Box::new(input)));
        }
    }

    /// A frame is on its way: in order, unless something goes wrong.
    fn carry(&mut self, at: usize, to: PartitionId, bytes: Bytes) {
        let (from, target) = (self.partitions[at].id, to.0 as usize - 1);
        let delay = self.delay(target);
        let event = |bytes| Event::Frame { from, to, bytes };
        if self.has_fault(|plan| plan.loss) {
            self.faults.lost += 1;
            return;
        }
        if self.has_fault(|plan| plan.doubles) {
            let late = delay + self.rng.below(SECOND);
            self.agenda.plan_in(late, event(bytes.clone()));
        }
        let now = self.agenda.now();
        let count = self.partitions.len();
        let partition = &mut self.partitions[at];
        partition.carried.resize(count, 0);
        partition.carried[target] = partition.carried[target].max(now + delay);
        let when = partition.carried[target];
        self.agenda.plan_at(when, event(bytes));
    }

    /// A frame arrives.
    pub(super) fn arrive(&mut self, from: PartitionId, to: PartitionId, bytes: Bytes) {
        let at = to.0 as usize - 1;
        let life = self.partitions[at].life;
        if self.partitions[at].running.is_none() {
            return;
        }
        if let Ok(Frame::Messages { mut messages, .. }) = Frame::read(&bytes) {
            while let Ok((Message { to, from: sender, role, handler, body, .. }, _, rest)) = Message::read(messages) {
                let about = TracedMessage { cause: 0, from: sender, to, role, handler, body: body.into_vec() };
                self.tell(Some(about), format!("arrives at partition {} from {from}", at + 1));
                messages = rest;
            }
        }
        self.give(at, life, Input::Frame { from, bytes });
    }

    /// Hands a request to a partition. False: nobody is there.
    pub(super) fn hand_over(&mut self, at: usize, request: apostate_partition::Request) -> bool {
        let life = self.partitions[at].life;
        let is_there = self.partitions[at].running.is_some();
        self.give(at, life, Input::Request(request));
        is_there
    }
}

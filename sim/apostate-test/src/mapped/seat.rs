//! Runs partitions, and does what they want: appends, frames, checkpoints, loads.

use std::sync::Arc;

use apostate_core::Timestamp;
use apostate_log::{Log, MemoryLog, MemoryStore, PartitionId, Position};
use apostate_partition::delivery::Frame;
use apostate_partition::{Config, Effect, Input, Message, Notice, Partition, Range, RunObserver, load};
use bytes::Bytes;

use super::{Event, Mapped};
use crate::chronicle::About;
use crate::finding::{Check, Finding};
use apostate_world::{Moment, SECOND, panics};

/// When the world begins, in milliseconds since 1970.
const BEGINNING: u64 = 1_700_000_000_000;

/// A partition, its log and its store.
pub(super) struct Seat {
    pub(super) id: PartitionId,
    pub(super) range: Range,
    /// None: it has crashed, and was not opened again yet.
    partition: Option<Partition>,
    /// Rises with every crash: what was on its way to an earlier life never arrives.
    pub(super) life: u64,
    writer: MemoryLog,
    pub(super) store: MemoryStore,
    effects: Vec<Effect>,
    has_turn: bool,
    wakes: Option<Moment>,
    /// When its last append, and the last answer to one, arrive.
    appended: Moment,
    answered: Moment,
    /// When the last frame to each partition arrives.
    carried: Vec<Moment>,
    clock_off: u64,
    /// Handled messages and dropped copies, of earlier lives.
    before: (u64, u64),
    /// The life that was asked to store everything.
    pub(super) requested: Option<u64>,
    /// The life that has stored everything.
    pub(super) stored: Option<u64>,
}

/// Keeps panics of handlers from being printed.
struct Hush;

impl RunObserver for Hush {
    fn enter(&mut self, _: u64, _: u32, _: u32) {
        panics::expect(true);
    }
    fn leave(&mut self) {
        panics::expect(false);
    }
}

impl Seat {
    pub(super) fn new(id: PartitionId, range: Range, clock_off: u64) -> Self {
        Self {
            id,
            range,
            partition: None,
            life: 1,
            writer: MemoryLog::new(id),
            store: MemoryStore::new(),
            effects: Vec::new(),
            has_turn: false,
            wakes: None,
            appended: 0,
            answered: 0,
            carried: Vec::new(),
            clock_off,
            before: (0, 0),
            requested: None,
            stored: None,
        }
    }

    /// Whether it serves, and nothing waits in it.
    pub(super) fn is_quiet(&self) -> bool {
        self.partition.as_ref().is_some_and(|partition| {
            let status = partition.status();
            status.is_serving && status.is_quiet
        })
    }

    /// Messages that were handled, and copies that were dropped.
    pub(super) fn counts(&self) -> (u64, u64) {
        let now = self.partition.as_ref().map(|partition| partition.status().counts).unwrap_or_default();
        (self.before.0 + now.messages, self.before.1 + now.duplicates)
    }

    /// Whether somebody is there to be told something.
    pub(super) fn is_open(&self) -> bool {
        self.partition.is_some()
    }

    /// Whether this life of it has stored everything since it was asked to.
    pub(super) fn is_stored(&self) -> bool {
        self.stored == Some(self.life)
    }

    fn clock(&self, now: Moment) -> Timestamp {
        Timestamp(BEGINNING + now / 1000 + self.clock_off)
    }
}

impl Mapped {
    /// Opens a partition, again or for the first time.
    pub(super) fn open(&mut self, at: usize) -> Check {
        let seed = self.rng.next();
        let seat = &mut self.seats[at];
        seat.writer = seat.writer.clone();
        let config = Config {
            id: seat.id,
            map: self.map.clone(),
            registry: Arc::clone(&self.names.0),
            tuning: self.tuning,
            seed,
            suspects: Vec::new(),
        };
        let opened = Partition::open(config, &seat.store, &seat.writer, Box::new(Hush), &mut |_| {});
        let partition = opened.map_err(|error| Finding::Platform(format!("P6 broken: {error}")))?;
        seat.partition = Some(partition);
        (seat.appended, seat.answered) = (0, 0);
        let life = seat.life;
        self.give(at, life, Input::Open);
        Ok(())
    }

    /// Tells a partition something; it works soon.
    pub(super) fn give(&mut self, at: usize, life: u64, input: Input) {
        let now = self.agenda.now();
        let seat = &mut self.seats[at];
        let clock = seat.clock(now);
        if seat.life != life {
            return;
        }
        let Some(partition) = &mut seat.partition else { return };
        partition.step(clock, input, &mut seat.effects);
        if !seat.has_turn {
            seat.has_turn = true;
            let delay = self.rng.below(SECOND / 1000);
            self.agenda.plan_in(delay, Event::Turn(at, life));
        }
    }

    /// A partition works, and what it wants is done.
    pub(super) fn turn(&mut self, at: usize, life: u64) -> Check {
        let now = self.agenda.now();
        let seat = &mut self.seats[at];
        let clock = seat.clock(now);
        if seat.life != life {
            return Ok(());
        }
        let Some(partition) = &mut seat.partition else { return Ok(()) };
        seat.has_turn = false;
        seat.wakes = seat.wakes.filter(|wakes| *wakes > now);
        partition.step(clock, Input::Turn, &mut seat.effects);
        let mut effects = std::mem::take(&mut seat.effects);
        for effect in effects.drain(..) {
            if self.seats[at].life != life {
                // It has crashed in the middle of it.
                break;
            }
            self.carry_out(at, life, effect)?;
        }
        if self.seats[at].life == life {
            effects.clear();
            self.seats[at].effects = effects;
        }
        Ok(())
    }

    fn carry_out(&mut self, at: usize, life: u64, effect: Effect) -> Check {
        let now = self.agenda.now();
        match effect {
            Effect::Append { at: position, record } => {
                if self.is_struck(|plan| plan.crash_before) {
                    self.faults.crashes_before += 1;
                    self.crash(at, "before a commit");
                    return Ok(());
                }
                let is_last = self.is_struck(|plan| plan.crash_after);
                let delay = self.rng.below(SECOND / 200);
                let seat = &mut self.seats[at];
                seat.appended = seat.appended.max(now + delay);
                let when = seat.appended;
                self.agenda.plan_at(when, Event::Land { seat: at, life, at: position, record, is_last });
            }
            Effect::Confirm { ticket } => {
                let mut done = Vec::new();
                let writer = &mut self.seats[at].writer;
                writer.confirm(ticket);
                writer.confirmed(&mut done);
                let delay = self.rng.below(SECOND / 200);
                for confirmation in done {
                    self.agenda.plan_in(delay, Event::Tell(at, life, Box::new(Input::Confirmed(confirmation))));
                }
            }
            Effect::Frame { to, bytes } => self.carry(at, to, bytes),
            Effect::Answer { ticket, answer } => {
                let delay = self.delay(at);
                self.agenda.plan_in(delay, Event::Answer(super::clients::ask_of(ticket), Box::new(answer)));
            }
            Effect::Load(wanted) => {
                let loaded = load(&self.seats[at].store, wanted);
                let delay = self.rng.below(SECOND / 50);
                self.agenda.plan_in(delay, Event::Tell(at, life, Box::new(Input::Loaded(loaded))));
            }
            Effect::Checkpoint(checkpoint) => {
                let position = checkpoint.position;
                let store = &self.seats[at].store;
                checkpoint.write(store, &[]).map_err(|error| Finding::Platform(error.to_string()))?;
                let delay = self.rng.below(SECOND / 50);
                self.agenda.plan_in(delay, Event::Tell(at, life, Box::new(Input::Checkpointed(position))));
            }
            Effect::CheckpointDone { ticket } => self.seats[at].stored = Some(ticket),
            Effect::Trim { before } => self.seats[at].writer.trim(before),
            Effect::WakeAt(time) => {
                let seat = &mut self.seats[at];
                let wait = time.0.saturating_sub(seat.clock(now).0) * 1000;
                let when = now + wait.max(SECOND / 1000);
                if seat.wakes.is_none_or(|wakes| when < wakes) {
                    seat.wakes = Some(when);
                    self.agenda.plan_at(when, Event::Turn(at, life));
                }
            }
            Effect::Notice(notice) => self.notice(notice),
            Effect::Span(_) => {}
            Effect::Stopped(reason) => {
                return Err(Finding::Platform(format!("partition {} stopped: {reason}", self.seats[at].id)));
            }
        }
        Ok(())
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
            Notice::Serving { .. } | Notice::ClockJumped { .. } | Notice::LogFull => {}
        }
    }

    /// Loses everything of a partition that its log and its store do not have.
    fn crash(&mut self, at: usize, when: &str) {
        let seat = &mut self.seats[at];
        let words = format!("partition {} crashes {when}", seat.id);
        seat.before = seat.counts();
        seat.partition = None;
        seat.life += 1;
        seat.effects.clear();
        seat.has_turn = false;
        seat.wakes = None;
        self.tell(None, words);
        let delay = self.delay(at);
        self.agenda.plan_in(delay, Event::Open(at));
    }

    /// An append reaches the log.
    pub(super) fn land(&mut self, at: usize, life: u64, position: Position, record: Bytes, is_last: bool) {
        let seat = &mut self.seats[at];
        if seat.life != life {
            // It died with its process.
            return;
        }
        let mut done = Vec::new();
        seat.writer.append(position, record);
        seat.writer.poll(&mut done);
        if is_last {
            self.faults.crashes_after += 1;
            self.crash(at, "after a commit");
            return;
        }
        let delay = self.rng.below(SECOND / 1000);
        let now = self.agenda.now();
        let seat = &mut self.seats[at];
        seat.answered = seat.answered.max(now + delay);
        let when = seat.answered;
        for (position, result) in done {
            self.agenda.plan_at(when, Event::Tell(at, life, Box::new(Input::Appended(position, result))));
        }
    }

    /// A frame is on its way: in order, unless something goes wrong.
    fn carry(&mut self, at: usize, to: PartitionId, bytes: Bytes) {
        let (from, target) = (self.seats[at].id, to.0 as usize - 1);
        let delay = self.delay(target);
        let event = |bytes| Event::Frame { from, to, bytes };
        if self.is_struck(|plan| plan.loss) {
            self.faults.lost += 1;
            return;
        }
        if self.is_struck(|plan| plan.doubles) {
            let late = delay + self.rng.below(SECOND);
            self.agenda.plan_in(late, event(bytes.clone()));
        }
        let now = self.agenda.now();
        let count = self.seats.len();
        let seat = &mut self.seats[at];
        seat.carried.resize(count, 0);
        seat.carried[target] = seat.carried[target].max(now + delay);
        let when = seat.carried[target];
        self.agenda.plan_at(when, event(bytes));
    }

    /// A frame arrives.
    pub(super) fn arrive(&mut self, from: PartitionId, to: PartitionId, bytes: Bytes) {
        let at = to.0 as usize - 1;
        let life = self.seats[at].life;
        if self.seats[at].partition.is_none() {
            return;
        }
        if let Ok(Frame::Messages { mut messages, .. }) = Frame::read(&bytes) {
            while let Ok((Message { to, from: sender, handler, body, .. }, _, rest)) = Message::read(messages) {
                let about = About { cause: 0, from: sender, to, handler, body };
                self.tell(Some(about), format!("arrives at partition {} from {from}", at + 1));
                messages = rest;
            }
        }
        self.give(at, life, Input::Frame { from, bytes });
    }

    /// Hands a request to a partition. False: nobody is there.
    pub(super) fn hand_over(&mut self, at: usize, request: apostate_partition::Request) -> bool {
        let life = self.seats[at].life;
        let is_there = self.seats[at].partition.is_some();
        self.give(at, life, Input::Request(request));
        is_there
    }
}

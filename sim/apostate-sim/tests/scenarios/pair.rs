//! Two partitions whose every word the test carries, or keeps, or says twice.

use std::collections::VecDeque;
use std::sync::Arc;

use apostate::prelude::*;
use apostate::serde::de::DeserializeOwned;
use apostate_core::{Address, Call, Registry};
use apostate_log::{AppendResult, Log, MemoryLog, MemoryStore, PartitionId, Position, Store};
use apostate_partition::cell::{self, Section};
use apostate_partition::delivery::Frame;
use apostate_partition::{
    Answer, Checkpoint, Config, Effect, Failure, HostTime, Input, Load, Map, Notice, OpenError, Partition, Request,
    RequestKind, Span, StopReason, Tuning, Uptime, load,
};
use bytes::Bytes;

pub(crate) use crate::letterbox::{Letterbox, OldLetterbox};

/// When a scenario begins.
const BEGINNING: u64 = 1_700_000_000_000;

/// One writer of a partition.
pub(crate) struct Writer {
    pub(crate) partition: Partition,
    pub(crate) log: MemoryLog,
    pub(crate) store: MemoryStore,
    id: PartitionId,
    now: u64,
    /// How far its wall clock is off.
    clock_off: i64,
    /// Frames that it wants carried.
    pub(crate) frames: VecDeque<Bytes>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) settled: Vec<u64>,
    pub(crate) stopped: Option<Arc<StopReason>>,
    /// When it wants to be woken.
    pub(crate) wakes: u64,
    pub(crate) notices: Vec<Notice>,
    pub(crate) spans: Vec<Span>,
    /// The way in which appends are treated.
    pub(crate) appends: Appends,
    withheld: Vec<(Position, Bytes)>,
    /// Tickets of checkpoint requests that were answered.
    pub(crate) granted: Vec<u64>,
    /// Whether checkpoints wait, until they are [`written`](Writer::write_checkpoint).
    pub(crate) holds_checkpoints: bool,
    pub(crate) checkpoints: VecDeque<Checkpoint>,
    /// Checkpoints that were written.
    pub(crate) written: usize,
    /// Loads that were answered.
    pub(crate) loads: usize,
}

/// The way in which appends are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appends {
    /// They are written.
    Written,
    /// They wait, until they are [`let_through`](Writer::let_through).
    Withheld,
    /// There is no room.
    Full,
}

/// How a writer is made.
#[derive(Clone)]
pub(crate) struct Making {
    pub(crate) registry: Registry,
    pub(crate) tuning: Tuning,
    /// Milliseconds after the beginning.
    pub(crate) late: u64,
    /// How far the wall clock is off.
    pub(crate) clock_off: i64,
    pub(crate) seed: u64,
    pub(crate) partitions: u32,
    pub(crate) map: Option<Map>,
}

impl Default for Making {
    fn default() -> Self {
        let registry = Registry::default().with::<Letterbox>().expect("one kind");
        Self { registry, tuning: Tuning::default(), late: 0, clock_off: 0, seed: 1, partitions: 2, map: None }
    }
}

/// The map of two partitions.
pub(crate) fn map() -> Map {
    Map::first(2)
}

/// A key whose entity lives in partition `id`.
pub(crate) fn key_in(id: u64) -> String {
    let lives = |key: &String| map().find(address(key).hash()) == PartitionId(id);
    (0..).map(|number| format!("box {number}")).find(lives).expect("a key for each partition")
}

fn address(key: &str) -> Address {
    Letterbox::at(key).got().to.expect("a key")
}
fn read_back(id: PartitionId, log: &MemoryLog, store: &MemoryStore, making: Making) -> Result<Partition, OpenError> {
    let Making { registry, tuning, late: _, clock_off: _, seed, partitions, map } = making;
    // At every step, unless a scenario has so much in memory that it says less.
    let tuning = Tuning { check_every: tuning.check_every.max(1), ..tuning };
    let map = Arc::new(map.unwrap_or_else(|| Map::first(partitions)));
    let config = Config { id, map, registry: Arc::new(registry), tuning, seed, suspects: Vec::new() };
    Partition::open(config, store, log, Box::new(()), &mut |_| {})
}

impl Writer {
    /// A partition with an empty log.
    pub(crate) fn new(id: u64) -> Self {
        Self::over(id, MemoryLog::new(PartitionId(id)), MemoryStore::new(), 1)
    }

    /// Reads a partition back; its opening record is not appended yet.
    pub(crate) fn over(id: u64, log: MemoryLog, store: MemoryStore, seed: u64) -> Self {
        Self::made(id, log, store, Making { seed, ..Making::default() })
    }

    /// A partition with an empty log, made in this way.
    pub(crate) fn first(id: u64, making: Making) -> Self {
        Self::made(id, MemoryLog::new(PartitionId(id)), MemoryStore::new(), making)
    }

    fn made(id: u64, log: MemoryLog, store: MemoryStore, making: Making) -> Self {
        let Making { late, clock_off, .. } = making;
        let id = PartitionId(id);
        let partition = read_back(id, &log, &store, making).expect("what was written reads");
        let (frames, answers, notices, withheld) = (VecDeque::new(), Vec::new(), Vec::new(), Vec::new());
        let (now, stopped, appends, spans) = (BEGINNING + late, None, Appends::Written, Vec::new());
        let (granted, holds_checkpoints, checkpoints, written) = (Vec::new(), false, VecDeque::new(), 0);
        Self {
            partition,
            log,
            store,
            id,
            now,
            clock_off,
            frames,
            answers,
            settled: Vec::new(),
            stopped,
            wakes: 0,
            notices,
            spans,
            appends,
            withheld,
            granted,
            holds_checkpoints,
            checkpoints,
            written,
            loads: 0,
        }
    }

    /// The reason for which another writer of the same log and store does not open.
    pub(crate) fn opening_error(&self) -> OpenError {
        let opened = read_back(self.id, &self.log, &self.store, Making::default());
        opened.map(drop).expect_err("it does not open")
    }

    /// Another writer of the same log and store, made in this way.
    pub(crate) fn again_as(&self, making: Making) -> Self {
        Self::made(self.id.0, self.log.clone(), self.store.clone(), making)
    }

    /// Writes the appends that were withheld, and works.
    pub(crate) fn let_through(&mut self) {
        self.write_withheld();
        self.work();
    }

    /// Writes the appends that were withheld; the partition hears of it.
    pub(crate) fn write_withheld(&mut self) {
        self.appends = Appends::Written;
        for (at, record) in std::mem::take(&mut self.withheld) {
            self.log.append(at, record);
        }
        self.hear_of_appends();
    }

    /// Another writer of the same log and store, as after a crash; the old one may go on.
    pub(crate) fn again(&self) -> Self {
        Self::over(self.id.0, self.log.clone(), self.store.clone(), self.now ^ 0xA11)
    }

    /// Appends its opening record, and serves.
    pub(crate) fn open(mut self) -> Self {
        self.tell(Input::Open);
        self.work();
        self
    }

    pub(crate) fn tell(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.partition.step(self.clock(), input, &mut effects);
        self.carry_out(effects);
    }

    /// Tells it something, and lets it work once. Gives what it wants to be loaded, which nobody does.
    pub(crate) fn tell_without_loads(&mut self, input: Input) -> Vec<Load> {
        let (mut effects, mut loads) = (Vec::new(), Vec::new());
        for input in [input, Input::Turn] {
            self.partition.step(self.clock(), input, &mut effects);
        }
        effects.retain(|effect| {
            let Effect::Load(load) = effect else { return true };
            loads.push(load.clone());
            false
        });
        self.carry_out(effects);
        loads
    }

    /// The time on the clocks of the writer's host.
    pub(crate) fn clock(&self) -> HostTime {
        HostTime { wall: Timestamp(self.now.saturating_add_signed(self.clock_off)), uptime: Uptime(self.now) }
    }

    /// Sets the host's wall clock wrong by so many milliseconds; the partition hears of it with whatever it is told next.
    pub(crate) fn set_clock_off(&mut self, milliseconds: i64) {
        self.clock_off = milliseconds;
    }

    /// Lets time pass, and the partition work.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.work();
    }

    /// Works until nothing comes of it any more. Appends and loads are answered at once.
    pub(crate) fn work(&mut self) {
        for _ in 0..20 {
            self.tell(Input::Turn);
            self.hear_of_appends();
            let mut confirmed = Vec::new();
            self.log.confirmed(&mut confirmed);
            confirmed.into_iter().for_each(|confirmation| self.tell(Input::Confirmed(confirmation)));
        }
    }

    /// Works for one turn, and hears of the appends that it made.
    pub(crate) fn turn(&mut self) {
        self.tell(Input::Turn);
        self.hear_of_appends();
    }

    fn hear_of_appends(&mut self) {
        let mut done = Vec::new();
        self.log.poll(&mut done);
        done.into_iter().for_each(|(at, result)| self.tell(Input::Appended(at, result)));
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append { at, record } => match self.appends {
                    Appends::Written => self.log.append(at, record),
                    Appends::Withheld => self.withheld.push((at, record)),
                    Appends::Full => self.tell(Input::Appended(at, AppendResult::Full)),
                },
                Effect::Notice(notice) => self.notices.push(notice),
                Effect::Span(span) => self.spans.push(*span),
                Effect::Confirm { number } => self.log.confirm(number),
                Effect::Frame { bytes, .. } => self.frames.push_back(bytes),
                Effect::Answer { answer, .. } => self.answers.push(answer),
                Effect::Settled { number, .. } => self.settled.push(number),
                Effect::Load(wanted) => {
                    self.loads += 1;
                    self.tell(Input::Loaded(load(&self.store, wanted)));
                }
                Effect::Checkpoint(checkpoint) => self.checkpoint(*checkpoint),
                Effect::Trim { before } => self.log.trim(before),
                Effect::WakeAt(at) => self.wakes = at.0 - self.now,
                Effect::Stopped(reason) => self.stopped = Some(reason),
                Effect::CheckpointDone { ticket } => self.granted.push(ticket),
                Effect::Sealed(_) | Effect::SplitRefused(_) => {}
            }
        }
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoints.push_back(checkpoint);
        if !self.holds_checkpoints {
            self.write_checkpoint();
        }
    }

    /// Writes the checkpoint that waits; the partition hears of it.
    pub(crate) fn write_checkpoint(&mut self) {
        let checkpoint = self.checkpoints.pop_front().expect("one waits");
        self.written += 1;
        let position = checkpoint.position;
        checkpoint.write(&self.store, &[]).expect("a store in memory");
        self.tell(Input::Checkpointed(position));
    }

    /// Writes the state cell of an entity in the store over, as another build might have written it.
    pub(crate) fn write_over(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let cell = cell::key(Section::State, &address(key), &[]);
        let mut state = self.store.get(&cell).expect("it reads").expect("it is there").to_vec();
        change(&mut state);
        self.store.checkpoint(&mut [(&cell[..], Some(&state[..]))].into_iter()).expect("a store in memory");
    }

    /// A client has the entity `from` write to the entity `to`.
    pub(crate) fn write(&mut self, from: &str, to: &str, letter: u64, key: Option<&str>) {
        self.ask(Letterbox::at(from).write(to.to_owned(), letter), key);
        self.work();
    }

    /// A client calls; the partition does not work yet.
    pub(crate) fn ask<E, R, S, A>(&mut self, call: Call<E, R, S, A>, key: Option<&str>) {
        let request = self.request(call, key);
        self.tell(Input::Request(request));
    }

    pub(crate) fn request<E, R, S, A>(&self, call: Call<E, R, S, A>, key: Option<&str>) -> Request {
        let request_kind = RequestKind::Call { key: key.map(Into::into) };
        Request { ticket: 1, ..Request::new(call.to.expect("a key"), call.handler, call.body, request_kind) }
    }

    /// A client calls, and waits for so many milliseconds; the partition does not work yet.
    pub(crate) fn ask_for<E, R, S, A>(&mut self, call: Call<E, R, S, A>, milliseconds: u64) {
        let (request, deadline) = (self.request(call, None), Some(Uptime(self.now + milliseconds)));
        self.tell(Input::Request(Request { deadline, ..request }));
    }

    /// A producer sends its message `number`; the partition does not work yet.
    pub(crate) fn number<E, R, S, A>(&mut self, producer: &str, number: u64, call: Call<E, R, S, A>) {
        let producer = apostate_core::EntityKey::new(producer).expect("a name");
        let request = self.request(call, None);
        self.tell(Input::Request(Request { request_kind: RequestKind::Numbered { producer, number }, ..request }));
    }

    /// A client reads the letters of an entity; the partition does not work yet.
    pub(crate) fn read(&mut self, key: &str) {
        let call = Letterbox::at(key).got();
        let (to, handler, body) = (call.to.expect("a key"), call.handler, call.body);
        self.tell(Input::Request(Request { ticket: 2, ..Request::new(to, handler, body, RequestKind::Read) }));
    }

    /// A client reads, and lets the partition work. Gives the reply; none if there is no such entity.
    pub(crate) fn reply_of<E, R: DeserializeOwned, S, A>(&mut self, call: Call<E, R, S, A>) -> Option<R> {
        let (to, handler, body) = (call.to.expect("a key"), call.handler, call.body);
        self.answers.clear();
        self.tell(Input::Request(Request::new(to, handler, body, RequestKind::Read)));
        self.work();
        assert_eq!(self.stopped.as_deref(), None);
        match self.answers.pop() {
            Some(Answer::Done { reply, .. }) => Some(apostate_core::decode(&reply).expect("a reply")),
            Some(Answer::Failed(Failure::Missing)) => None,
            other => panic!("{other:?}"),
        }
    }

    /// The letters that have come to the entity.
    pub(crate) fn got(&mut self, key: &str) -> Vec<u64> {
        self.answers.clear();
        self.read(key);
        self.work();
        match self.answers.pop() {
            Some(Answer::Done { reply, .. }) => apostate_core::decode(&reply).expect("a list"),
            _ => Vec::new(),
        }
    }

    /// Opens sessions with `other`, both ways.
    pub(crate) fn meet(&mut self, other: &mut Self) {
        let stalled = Bytes::from(Frame::Stalled { name: 0 }.write());
        self.hear(other, stalled.clone());
        other.hear(self, stalled);
        talk(self, other);
    }

    /// Hears a frame of `other`, and works.
    pub(crate) fn hear(&mut self, other: &Self, bytes: Bytes) {
        self.tell(Input::Frame { from: other.id, bytes });
        self.work();
    }
}

/// Takes the first frame of this sort out of what a writer wants carried.
pub(crate) fn take(writer: &mut Writer, is_meant: impl Fn(&Frame<'_>) -> bool) -> Bytes {
    let at = writer.frames.iter().position(|bytes| is_meant(&Frame::read(bytes).expect("a frame")));
    at.and_then(|at| writer.frames.remove(at)).expect("such a frame")
}

/// Carries everything between two writers until they have no more to say.
pub(crate) fn talk(one: &mut Writer, two: &mut Writer) {
    while !one.frames.is_empty() || !two.frames.is_empty() {
        if let Some(bytes) = one.frames.pop_front() {
            two.hear(one, bytes);
        }
        if let Some(bytes) = two.frames.pop_front() {
            one.hear(two, bytes);
        }
    }
}

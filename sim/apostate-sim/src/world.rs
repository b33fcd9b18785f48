//! The world: everything that runs and everything that is on its way, on one thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use apostate_core::{Address, EntityKey, Registry, Timestamp};
use apostate_log::{AppendResult, Confirmation, MemoryStore, PartitionId, Position};
use apostate_partition::{Answer, Checkpoint, Config, Input, Load, Loaded, Map, Request};
use apostate_world::{Agenda, Moment, Rng};
use bytes::Bytes;

use crate::check::Shadows;
use crate::check::sessions::Sessions;
use crate::check::stored;
use crate::engine::{SharedDisk, WriterId, lock};
use crate::fault::{Fault, Faults};
use crate::host::{self, Node, PartitionLog, Writer, Writers};
use crate::options::Options;
use crate::outside::{Decision, Op, Operator, Stream, draw_ops, draw_streams};
use crate::plan::{self, Plan};
use crate::programs;
use crate::repartitioning::Repartitioning;
use crate::trace::Trace;
use crate::violation::{Check, Violation};

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Event {
    /// A partition works, and its effects are carried out.
    Turn(WriterId),
    /// A frame arrives.
    Frame { from: PartitionId, to: PartitionId, bytes: Bytes },
    /// An append reaches the log.
    Land { writer: WriterId, id: PartitionId, at: Position, record: Bytes, outcome: AppendOutcome },
    /// The log asks itself who the writer is.
    Confirm { writer: WriterId, number: u64 },
    /// The store is asked for an entity.
    Load { writer: WriterId, load: Load },
    /// The store is given a checkpoint.
    Checkpoint { writer: WriterId, checkpoint: Box<Checkpoint> },
    /// Log or store has done what a partition asked for.
    Completed { writer: WriterId, completion: Completion },
    /// A request reaches whoever has the partition.
    Request { id: PartitionId, request: Request },
    /// An answer reaches a client.
    Answer { ticket: u64, answer: Answer },
    /// A client asks, for the first time or again.
    Ask { op: usize },
    /// A client has waited long enough.
    GiveUp { op: usize, attempt: u32 },
    /// An operator requests a checkpoint, to read a list behind it.
    CheckpointRequest { id: PartitionId },
    /// Producers send.
    Pump,
    /// Something goes wrong.
    NextFault,
    /// A node crashes at a moment that is hard to meet by chance.
    Crash { node: usize },
    /// A partition, or all of a node, is opened again.
    Reopen { node: usize },
    /// The network between two partitions is whole again.
    Reconnect { from: PartitionId, to: PartitionId },
    /// A writer that stood still goes on.
    Resume { writer: WriterId, until: Moment },
    /// The next step of a split that is under way, or the beginning of one.
    Repartition,
    /// A writer hears of the newest map.
    Topology { writer: WriterId },
    /// A log has room again.
    MakeRoom { id: PartitionId },
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendOutcome {
    /// Written, and answered so.
    Answered,
    /// Written, and nobody says so.
    Unknown,
    /// Written long after somebody said that it is unknown.
    Late,
}

/// The answer of log or store to what a partition asked for.
#[derive(Debug)]
pub(crate) enum Completion {
    Appended(Position, AppendResult),
    Confirmed(Confirmation),
    Loaded(Loaded),
    Checkpointed(Position),
    CheckpointFailed(String),
}

/// The party that waits for an answer.
#[derive(Clone, Debug)]
pub(crate) enum Waiter {
    /// Of a partition whose newest durable record was that old.
    Op {
        op: usize,
        asked_at: Timestamp,
    },
    Number {
        stream: usize,
        lane: usize,
        number: u64,
        writer: WriterId,
        /// The producer's name at that time.
        name: EntityKey,
    },
    Command(Decision),
    /// The cell of the operation that is to be settled.
    Settle(Bytes),
    Nobody,
}

/// Everything.
pub(crate) struct World {
    pub(crate) agenda: Agenda<Event>,
    pub(crate) rng: Rng,
    pub(crate) plan: Plan,
    pub(crate) registry: Arc<Registry>,
    /// The newest map.
    pub(crate) map: Arc<Map>,
    /// Every map that there was.
    pub(crate) maps: Vec<Arc<Map>>,
    pub(crate) repartitioning: Repartitioning,
    pub(crate) logs: BTreeMap<PartitionId, PartitionLog>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) writers: Writers,
    /// Ways between partitions that are cut.
    pub(crate) cuts: Vec<(PartitionId, PartitionId)>,
    pub(crate) shadows: Shadows,
    pub(crate) sessions: Sessions,
    pub(crate) faults: Faults,
    pub(crate) trace: Trace,
    pub(crate) ops: Vec<Op>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) tickets: BTreeMap<u64, (Waiter, Address)>,
    pub(crate) last_ticket: u64,
    pub(crate) operator: Operator,
    /// Something was damaged: from here on only one thing is asked, whether it is noticed.
    pub(crate) is_damaged: bool,
    /// The error or the reason to stop in which the damage was noticed.
    pub(crate) noticed: Option<String>,
    /// Nothing goes wrong any more.
    pub(crate) is_healed: bool,
    /// When the last frame from one partition to another arrives.
    pub(crate) carried: BTreeMap<(PartitionId, PartitionId), Moment>,
    /// Where partitions are split in memory, drawn apart from everything else, so that a seed is the same without; none if they are not.
    pub(crate) split_rng: Option<Rng>,
    /// How often they were.
    pub(crate) splits: u64,
    /// No partition is split before then.
    pub(crate) next_split: Moment,
}

impl World {
    /// A world that has not begun.
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let Options { telling, splits } = options;
        let mut rng = Rng::new(seed, plan::SALT);
        let plan = Plan::draw(&mut rng);
        let map = Arc::new(Map::first(plan.partitions));
        let repartitioning = Repartitioning::new(&map, splits.then(|| Rng::new(seed, plan::REPARTITION_SALT)));
        let ops = draw_ops(&plan.work, &mut rng.split());
        let streams = draw_streams(&plan.work, &mut rng.split(), |hash| map.find(hash));
        let mut nodes: Vec<Node> = (0..plan.nodes)
            .map(|_| Node {
                partitions: Vec::new(),
                store: MemoryStore::new(),
                older: None,
                clock_off: rng.below(2000) as i64,
                is_up: false,
                fails_checkpoint: false,
            })
            .collect();
        for (number, (_, id)) in map.tiles.iter().enumerate() {
            nodes[number % plan.nodes].partitions.push(*id);
        }
        let mut trace = Trace::new(telling);
        trace.note(0, || format!("{plan:#?}"));
        Self {
            agenda: Agenda::default(),
            registry: Arc::new(programs::registry()),
            logs: map.tiles.iter().map(|(_, id)| (*id, PartitionLog::new(*id))).collect(),
            nodes,
            writers: Writers::default(),
            cuts: Vec::new(),
            shadows: Shadows::new(Arc::clone(&map), plan.tuning.client_key_retention),
            sessions: Sessions::default(),
            faults: Faults::default(),
            trace,
            ops,
            streams,
            tickets: BTreeMap::new(),
            last_ticket: 0,
            operator: Operator::default(),
            is_damaged: false,
            noticed: None,
            is_healed: false,
            carried: BTreeMap::new(),
            split_rng: splits.then(|| Rng::new(seed, plan::SPLIT_SALT)),
            splits: 0,
            next_split: 0,
            maps: vec![Arc::clone(&map)],
            map,
            repartitioning,
            plan,
            rng,
        }
    }

    /// Lets time pass until `end`.
    pub(crate) fn run_until(&mut self, end: Moment) -> Check {
        while let Some(event) = self.agenda.pop_before(end) {
            self.happen(event)?;
        }
        self.agenda.wait_until(end);
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Check {
        // A writer that is paused hears of it when it goes on.
        let writer = match &event {
            Event::Turn(writer)
            | Event::Completed { writer, .. }
            | Event::Load { writer, .. }
            | Event::Checkpoint { writer, .. } => Some(*writer),
            _ => None,
        };
        if let Some(until) = writer.and_then(|writer| self.writers.all.get(&writer)?.paused) {
            self.agenda.plan_at(until, event);
            return Ok(());
        }
        match event {
            Event::Turn(writer) => self.turn(writer)?,
            Event::Frame { from, to, bytes } => self.arrive(from, to, bytes),
            Event::Land { writer, id, at, record, outcome } => self.land(writer, id, at, record, outcome)?,
            Event::Confirm { writer, number } => self.confirm(writer, number),
            Event::Load { writer, load } => self.load(writer, load),
            Event::Checkpoint { writer, checkpoint } => self.checkpoint(writer, *checkpoint)?,
            Event::Completed { writer, completion } => self.complete(writer, completion)?,
            Event::Request { id, request } => self.request(id, request),
            Event::Answer { ticket, answer } => self.answer(ticket, answer)?,
            Event::Ask { op } => self.ask(op),
            Event::GiveUp { op, attempt } => self.give_up(op, attempt),
            Event::CheckpointRequest { id } => self.request_checkpoint(id),
            Event::Pump => self.pump(),
            Event::NextFault => self.inject_fault()?,
            Event::Crash { node } => self.crash(node)?,
            Event::Reopen { node } => self.reopen(node)?,
            Event::Reconnect { from, to } => {
                if let Some(at) = self.cuts.iter().position(|cut| *cut == (from, to)) {
                    self.cuts.swap_remove(at);
                }
            }
            Event::Resume { writer, until } => self.resume(writer, until),
            Event::Repartition => self.repartition(),
            Event::Topology { writer } => self.hear_of_map(writer),
            Event::MakeRoom { id } => self.log_mut(id).is_full = false,
        }
        Ok(())
    }

    pub(crate) fn note(&mut self, fault: Fault) {
        self.faults.note(fault);
        self.trace.note(self.agenda.now(), || format!("!! {}", fault.words()));
    }

    pub(crate) fn disk(&self, id: PartitionId) -> &SharedDisk {
        &self.log(id).disk
    }

    pub(crate) fn log(&self, id: PartitionId) -> &PartitionLog {
        self.logs.get(&id).expect("a log for each partition")
    }

    pub(crate) fn log_mut(&mut self, id: PartitionId) -> &mut PartitionLog {
        self.logs.get_mut(&id).expect("a log for each partition")
    }

    /// Whether something goes wrong this time, which it does `rate` times in a thousand until all is healed.
    pub(crate) fn has_fault(&mut self, rate: u64) -> bool {
        !self.is_healed && self.rng.chance(rate)
    }

    /// A delay of usual length, at most `most`.
    pub(crate) fn delay(&mut self, most: Moment) -> Moment {
        1 + self.rng.below(most)
    }

    /// Gives a writer an input now, and a turn soon.
    pub(crate) fn give(&mut self, id: WriterId, input: Input) {
        let now = self.agenda.now();
        let Some(writer) = self.writers.all.get_mut(&id) else { return };
        let clock = self.nodes[writer.node].clock(now);
        writer.spins = 0;
        if writer.running.give(clock, input) {
            let delay = self.delay(self.plan.turn_delay);
            self.agenda.plan_in(delay, Event::Turn(id));
        }
    }

    /// Gives a writer an input, once it does not stand still any more.
    pub(crate) fn give_or_wait(&mut self, id: WriterId, input: Input) {
        match self.writers.all.get_mut(&id) {
            Some(writer) if writer.paused.is_some() => writer.waiting.push(input),
            Some(_) => self.give(id, input),
            None => {}
        }
    }

    /// Opens every partition of a node that is not open.
    pub(crate) fn reopen(&mut self, node: usize) -> Check {
        if !self.nodes[node].is_up {
            self.sets_clock_at_opening(node);
            if !self.is_damaged {
                self.check_cells_of(node)?;
            }
        }
        for id in self.nodes[node].partitions.clone() {
            if self.writers.current(id).is_none() && !self.is_awaited(id) {
                self.open(node, id)?;
            }
        }
        self.nodes[node].is_up = true;
        Ok(())
    }

    fn open(&mut self, node: usize, id: PartitionId) -> Check {
        if !self.finds_durable(node, id)? {
            return Ok(());
        }
        let writer = self.writers.next_id();
        let map = self.map_at_opening(id, writer);
        let config = self.config_of(id, map);
        let store = self.nodes[node].store.clone();
        let (parent, ended) = (self.repartitioning.parent(id), self.logs_of_ended());
        let running = match host::open(config, &store, (self.disk(id), writer), parent, &ended) {
            Err(error) if self.is_damaged => {
                self.noticed = Some(error.to_string());
                return Ok(());
            }
            opened => opened.map_err(|error| Violation::new("P6", format!("partition {id} does not open: {error}")))?,
        };
        if !self.is_damaged {
            stored::check_opened(self.shadows.get(id), &running.status(), true)?;
        }
        if self.shadows.get(id).position == Position(0) && parent.is_some() {
            self.repartitioning.counts.read_back += 1;
        }
        self.begin_writer(writer, Writer::new(id, node, running, store));
        Ok(())
    }

    /// A writer begins to run.
    pub(crate) fn begin_writer(&mut self, writer: WriterId, opened: Writer) {
        let (id, node, is_old) = (opened.id, opened.node, opened.is_old);
        self.writers.all.insert(writer, opened);
        if !is_old {
            self.writers.set_current(id, Some(writer));
        }
        let now = self.agenda.now();
        self.trace.note(now, || format!("-- partition {id} is opened at node {node} as writer {writer}"));
        self.give(writer, Input::Open);
    }

    pub(crate) fn config(&mut self, id: PartitionId) -> Config {
        let map = Arc::clone(&self.map);
        self.config_of(id, map)
    }

    /// Makes what has landed durable.
    pub(crate) fn sync(&mut self, id: PartitionId, to: Position) -> Check {
        let (newly, now) = (lock(self.disk(id)).sync(to), self.agenda.now());
        if self.is_damaged {
            return Ok(());
        }
        for (writer, record) in newly {
            self.shadows.durable(id, writer, &record)?;
            self.shadows.get(id).check_time(now, self.plan.tuning.clock_gap_max)?;
            let log = self.log_mut(id);
            log.store_model.durable(record.clone());
            log.archive.push(record);
            if let Some(seal) = self.shadows.get(id).seal.clone() {
                self.sealed(id, &seal)?;
            }
        }
        Ok(())
    }
}

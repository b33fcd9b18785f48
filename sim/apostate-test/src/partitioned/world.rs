//! The partitioned world itself: what is in it, what happens next, and what a test asks of it.

use std::sync::Arc;

use apostate_core::{Address, KindId, Registry};
use apostate_log::{PartitionId, Position};
use apostate_partition::{Answer as PartitionAnswer, Input, Map, Range, Tuning, list};
use apostate_world::{Agenda, Moment, Rng, SECOND};
use bytes::Bytes;

use crate::call::{Answer, TestRequest};
use crate::faults::Faults;
use crate::finding::{Check, Finding};
use crate::names::Names;
use crate::plan::Plan;
use crate::simulation::{AskKind, Simulation, Stored};
use crate::trace::{Trace, TraceEvent, TraceLine, TracedMessage};

use super::ask::Ask;
use super::sim_partition::SimPartition;

/// Most partitions of a map.
const PARTITIONS_MAX: u64 = 6;

/// How long faults go on when the world settles, at most.
const FAULTS_TIME: Moment = 30 * SECOND;

/// How long a healed world may take to come to rest.
const REST_TIME_MAX: Moment = 24 * 3600 * SECOND;

/// Most things that may happen until then.
const REST_EVENTS_MAX: u64 = 5_000_000;

/// Something that will happen.
pub(super) enum Event {
    /// A partition works, in this life of it.
    Turn(usize, u64),
    /// An append reaches the log; the partition may crash right after.
    Land { partition: usize, life: u64, at: Position, record: Bytes, is_last: bool },
    /// A partition is told something.
    Tell(usize, u64, Box<Input>),
    /// A frame arrives.
    Frame { from: PartitionId, to: PartitionId, bytes: Bytes },
    /// A client asks, for the first time or again.
    Ask(usize),
    /// A request arrives, the how-many-eth of its client.
    Request(usize, u32),
    /// A client has waited long enough for this attempt.
    GiveUp(usize, u32),
    /// A client whose call is answered later asks once more.
    Recall(usize),
    /// An answer arrives.
    Answer(usize, Box<PartitionAnswer>),
    /// A partition is opened again.
    Open(usize),
}

/// The world.
pub(crate) struct PartitionedWorld {
    pub(super) names: Names,
    pub(super) agenda: Agenda<Event>,
    pub(super) rng: Rng,
    pub(super) plan: Plan,
    pub(super) tuning: Tuning,
    pub(super) is_healed: bool,
    pub(super) map: Map,
    pub(super) partitions: Vec<SimPartition>,
    pub(super) asks: Vec<Ask>,
    /// Requests without an answer, but for those that are answered later.
    pub(super) open_asks: usize,
    pub(super) trace: Trace,
    pub(super) parked: Vec<String>,
    pub(super) faults: Faults,
}

impl PartitionedWorld {
    /// A world over a map with borders among `hashes`.
    pub(crate) fn new(registry: Arc<Registry>, rng: &mut Rng, hashes: &[u64]) -> Self {
        let plan = Plan::draw(rng);
        let map = draw_map(rng, hashes);
        let partitions =
            map.tiles.iter().map(|(range, id)| SimPartition::new(*id, *range, rng.below(plan.skew / 1000 + 1)));
        let partitions = partitions.collect();
        let mut world = Self {
            names: Names(registry),
            agenda: Agenda::default(),
            tuning: draw_tuning(rng),
            is_healed: false,
            partitions,
            asks: Vec::new(),
            open_asks: 0,
            trace: Trace::default(),
            parked: Vec::new(),
            faults: Faults::default(),
            rng: rng.clone(),
            map,
            plan,
        };
        for partition in 0..world.partitions.len() {
            world.agenda.plan_in(0, Event::Open(partition));
        }
        world
    }

    fn happen(&mut self) -> Check {
        let Some(event) = self.agenda.pop() else {
            return Err(Finding::Platform("something is waited for, and nothing will ever happen".to_owned()));
        };
        match event {
            Event::Turn(partition, life) => self.turn(partition, life),
            Event::Land { partition, life, at, record, is_last } => {
                self.land(partition, life, at, record, is_last);
                Ok(())
            }
            Event::Tell(partition, life, input) => {
                self.give(partition, life, *input);
                Ok(())
            }
            Event::Frame { from, to, bytes } => {
                self.arrive(from, to, bytes);
                Ok(())
            }
            Event::Ask(ask) => {
                self.ask_now(ask);
                Ok(())
            }
            Event::Request(ask, attempt) => {
                self.request(ask, attempt);
                Ok(())
            }
            Event::GiveUp(ask, attempt) => {
                self.give_up(ask, attempt);
                Ok(())
            }
            Event::Recall(ask) => {
                self.recall(ask);
                Ok(())
            }
            Event::Answer(ask, answer) => self.answered(ask, *answer),
            Event::Open(partition) => self.open(partition),
        }
    }

    pub(super) fn has_fault(&mut self, rate: impl Fn(&Plan) -> u64) -> bool {
        let rate = rate(&self.plan);
        // Where nothing can go wrong, nothing is drawn.
        !self.is_healed && rate > 0 && self.rng.chance(rate)
    }

    /// A time on the way, of the usual length.
    pub(super) fn delay(&mut self, partition: usize) -> Moment {
        1 + self.plan.delay(&mut self.rng, partition as u64)
    }

    /// Index of the partition that an entity lives in.
    pub(super) fn partition_of(&self, address: &Address) -> usize {
        self.map.tiles.partition_point(|(range, _)| range.last < address.hash())
    }

    /// Adds a line to the trace.
    pub(super) fn tell(&mut self, about: Option<TracedMessage>, words: impl Into<String>) {
        let at = self.agenda.now();
        self.trace.add(TraceLine { at, about, what: TraceEvent::Words(words.into()) });
    }

    fn is_at_rest(&self) -> bool {
        self.open_asks == 0 && self.partitions.iter().all(SimPartition::is_quiet)
    }

    /// Writes everything that is durable now to the stores.
    fn store_all(&mut self) -> Check {
        let was_healed = std::mem::replace(&mut self.is_healed, true);
        for partition in 0..self.partitions.len() {
            (self.partitions[partition].requested, self.partitions[partition].stored) = (None, None);
        }
        loop {
            for partition in 0..self.partitions.len() {
                // A partition that has crashed since has forgotten the request.
                let life = self.partitions[partition].life;
                if self.partitions[partition].is_open() && self.partitions[partition].requested != Some(life) {
                    self.partitions[partition].requested = Some(life);
                    self.give(partition, life, Input::RequestCheckpoint { ticket: life });
                }
            }
            if self.partitions.iter().all(SimPartition::is_stored) {
                break;
            }
            self.happen()?;
        }
        self.is_healed = was_healed;
        Ok(())
    }

    fn list(&self, partition: &SimPartition, range: Range, kind: KindId) -> Check<Vec<Stored>> {
        let mut found: Vec<Stored> = Vec::new();
        loop {
            let after = found.last().map(|(address, _)| address);
            let next = list(&partition.disk.store, range, kind, after, 1 << 20);
            let next = next.map_err(|error| Finding::Platform(format!("partition {}: {error}", partition.id)))?;
            if next.is_empty() {
                return Ok(found);
            }
            found.extend(next.into_iter().map(|entity| (entity.address, entity.state.to_vec())));
        }
    }
}

impl Simulation for PartitionedWorld {
    fn ask(&mut self, request: TestRequest, ask_kind: AskKind) -> Check<Answer> {
        let ask = self.plan_ask(request, ask_kind);
        loop {
            if let Some(answer) = self.asks[ask].taken() {
                return Ok(answer);
            }
            self.happen()?;
        }
    }

    fn send(&mut self, request: TestRequest) -> Check {
        self.plan_ask(request, AskKind::Send);
        Ok(())
    }

    fn settle(&mut self) -> Check {
        let end = self.agenda.now() + self.rng.below(FAULTS_TIME);
        while !self.is_at_rest() && self.agenda.next_moment().is_some_and(|next| next < end) {
            self.happen()?;
        }
        self.is_healed = true;
        let (mut events, before) = (0, self.messages());
        let end = self.agenda.now() + REST_TIME_MAX;
        while !self.is_at_rest() {
            self.happen()?;
            events += 1;
            if events > REST_EVENTS_MAX || self.agenda.now() > end {
                return Err(Finding::Unsettled { messages: self.messages() - before });
            }
        }
        self.is_healed = false;
        Ok(())
    }

    fn wait(&mut self, milliseconds: u64) -> Check {
        let end = self.agenda.now().saturating_add(milliseconds.saturating_mul(1000));
        while self.agenda.next_moment().is_some_and(|next| next < end) {
            self.happen()?;
        }
        self.agenda.wait_until(end);
        Ok(())
    }

    fn all(&mut self, kind: KindId) -> Check<Vec<Stored>> {
        self.store_all()?;
        let mut all = Vec::new();
        for partition in &self.partitions {
            all.extend(self.list(partition, partition.range, kind)?);
        }
        all.sort_by(|(one, _), (two, _)| one.key().cmp(two.key()));
        Ok(all)
    }

    fn one(&mut self, address: &Address) -> Check<Option<Vec<u8>>> {
        self.store_all()?;
        let partition = &self.partitions[self.partition_of(address)];
        let there = self.list(partition, Range::new(address.hash(), address.hash()), address.kind())?;
        Ok(there.into_iter().find(|(found, _)| found == address).map(|(_, state)| state))
    }

    fn parked(&self) -> &[String] {
        &self.parked
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn names(&self) -> &Names {
        &self.names
    }

    fn faults(&self) -> Faults {
        let duplicates: u64 = self.partitions.iter().map(|partition| partition.counts().1).sum();
        Faults { duplicates, ..self.faults }
    }

    fn messages(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.counts().0).sum()
    }

    fn hashes(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// A map of a few partitions, with borders at some of `hashes` and between them.
fn draw_map(rng: &mut Rng, hashes: &[u64]) -> Map {
    let count = 1 + rng.below(PARTITIONS_MAX);
    let mut firsts = vec![0];
    for _ in 1..count {
        let first = if hashes.is_empty() { rng.next() } else { rng.pick(hashes) };
        firsts.push(first);
    }
    firsts.sort_unstable();
    firsts.dedup();
    let lasts = firsts.iter().skip(1).map(|next| next - 1).chain([u64::MAX]);
    let ranges = firsts.iter().zip(lasts).map(|(&first, last)| Range::new(first, last));
    Map { version: 1, tiles: ranges.zip(1..).map(|(range, id)| (range, PartitionId(id))).collect() }
}

/// Small numbers, so that everything which happens rarely happens here.
fn draw_tuning(rng: &mut Rng) -> Tuning {
    Tuning {
        append_window: rng.pick(&[1, 2, 4]),
        batch_messages_max: rng.pick(&[1, 4, 64, 4096]),
        cache_bytes: rng.pick(&[0, 4_000, 1 << 20]),
        checkpoint_log_bytes: rng.pick(&[1, 4_000, 1 << 20]),
        credit_bytes: rng.pick(&[1, 500, 4 << 20]),
        outbox_memory: rng.pick(&[0, 500, 4 << 20]),
        inbox_memory: rng.pick(&[0, 500, 4 << 20]),
        check_every: 4,
        ..Tuning::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SALT;

    #[test]
    fn every_map_is_whole() {
        for seed in 0..100 {
            let mut rng = Rng::new(seed, SALT);
            let hashes: Vec<_> = (0..seed % 7).map(|_| rng.next()).collect();
            assert!(draw_map(&mut rng, &hashes).is_whole(), "seed {seed}");
        }
    }
}

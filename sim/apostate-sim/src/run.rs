//! One run: break everything, check at every step; then heal everything, and demand that it comes to rest.

use std::time::Duration;

use crate::check::shadow::Shadow;
use crate::check::{agreements, end, money};
use crate::fault::{Fault, Faults};
use crate::options::Options;
use crate::outside::{self, Outcome, Stream};
use crate::programs::flaky;
use crate::repartitioning::Counts;
use crate::trace::Telling;
use crate::violation::{Check, Violation, ensure};
use crate::world::{Event, World};
use apostate_log::PartitionId;
use apostate_partition::cell::{self, Section};
use apostate_world::{Moment, SECOND, panics};
use bytes::Bytes;

/// Events that a run goes on for: with fewer it proves nothing.
const TRANSACTIONS_MIN: u64 = 2000;
const FAULTS_MIN: u64 = 20;
const CRASHES_MIN: u64 = 3;

/// All that has to happen within this time.
const CHAOS_MAX: Moment = 1000 * SECOND;

/// After all is healed, everything has to be at rest within this time.
const REST_WITHIN: Moment = 600 * SECOND;

/// How far clocks are set ahead to outlive all client keys, in milliseconds: a hundred years, for some clocks were wrong before.
const OUTLIVING: i64 = 100 * 365 * 24 * 3_600_000;

/// The result of a run in which nothing was violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Transactions on entities.
    pub transactions: u64,
    /// Virtual time, in microseconds.
    pub simulated: u64,
    /// Faults that were injected, and how often.
    pub faults: Faults,
    /// How often a partition was split in memory and merged again.
    pub splits: u64,
    /// Partitions that ended in others.
    pub repartitioned: Counts,
    /// Everything that partitions did, as one number.
    pub trace: u64,
}

/// Runs the world of this seed.
///
/// # Errors
///
/// When something does not hold that must: the first thing that was noticed.
pub fn run(seed: u64, options: Options) -> Result<Report, Violation> {
    let (world, result) = played(seed, options);
    result.map(|()| Report {
        transactions: world.shadows.transactions,
        simulated: world.agenda.now(),
        faults: world.faults.clone(),
        splits: world.splits,
        repartitioned: world.repartitioning.counts.clone(),
        trace: world.trace.hash(),
    })
}

/// A run of this seed in one line: a hash over all that partitions did, one over all lines that `--tell` would print, and how it
/// ended. Two builds that do the same give the same line, also where a planted bug breaks something.
#[must_use]
pub fn digest(seed: u64) -> String {
    let (world, result) = played(seed, Options { telling: Telling::Hashed, ..Options::default() });
    let end = result.err().map_or_else(|| "whole".to_owned(), |broken| broken.to_string());
    format!("seed {seed}: trace {:016x} told {:016x} {end:?}", world.trace.hash(), world.trace.told())
}

fn played(seed: u64, options: Options) -> (World, Check) {
    panics::install();
    flaky::set_panicking(true);
    let mut world = World::new(seed, options);
    let result = world.simulate();
    (world, result)
}

impl World {
    fn simulate(&mut self) -> Check {
        self.begin()?;
        while self.agenda.now() < self.plan.chaos || self.has_too_little_happened() {
            let next = self.agenda.now() + SECOND;
            self.run_until(next)?;
            money::check(&self.shadows)?;
            agreements::check(&self.shadows)?;
            self.check_cells()?;
            ensure!(next < CHAOS_MAX, "coverage", "too little happens: {} crashes", self.faults.count(Fault::Crash));
            if self.agenda.now() >= self.plan.chaos {
                self.cause_more()?;
            }
        }
        self.heal()?;
        self.trace.note(self.agenda.now(), || "-- all is healed".to_owned());
        self.wait_until_quiescent(true)?;
        if self.rng.chance(250) || self.plan.forgets_soon() {
            self.expire_client_keys()?;
        }
        end::check(self)?;
        self.damage()
    }

    /// Whether too little has happened so far for the run to prove anything.
    fn has_too_little_happened(&self) -> bool {
        self.shadows.transactions < TRANSACTIONS_MIN
            || self.faults.total() < FAULTS_MIN
            || self.faults.count(Fault::Crash) < CRASHES_MIN
    }

    /// Has more happen.
    fn cause_more(&mut self) -> Check {
        if self.faults.count(Fault::Crash) < CRASHES_MIN {
            let node = self.rng.index(self.nodes.len());
            self.crash(node)?;
        }
        if self.shadows.transactions < TRANSACTIONS_MIN {
            // Where everything is slow, faults have to leave some time.
            self.plan.fault_interval = (self.plan.fault_interval * 5 / 4).min(20 * SECOND);
            let work = &self.plan.work;
            self.ops.push(outside::parcel(self.rng.below(u64::from(work.posts)) as u16, work));
            self.agenda.plan_in(0, Event::Ask { op: self.ops.len() - 1 });
        }
        Ok(())
    }

    /// Compares what every partition would read if it were opened now.
    pub(crate) fn check_cells(&self) -> Check {
        (0..self.nodes.len()).try_for_each(|node| self.check_cells_of(node))
    }

    /// Compares what the partitions of a node would read.
    pub(crate) fn check_cells_of(&self, node: usize) -> Check {
        let node = &self.nodes[node];
        let ended = |id: &PartitionId| {
            let parent =
                self.repartitioning.parent(*id).filter(|parent| self.repartitioning.ended.contains_key(parent))?;
            Some((parent, self.disk(parent)))
        };
        let partitions = node.partitions.iter().map(|id| (*id, self.disk(*id), ended(id)));
        self.shadows.cells.check_node(&node.store, partitions)
    }

    fn begin(&mut self) -> Check {
        for node in 0..self.nodes.len() {
            self.reopen(node)?;
        }
        let mut rng = self.rng.split();
        let last = self.plan.chaos * 9 / 10;
        for op in 0..self.ops.len() {
            self.agenda.plan_at(rng.below(last), Event::Ask { op });
        }
        self.agenda.plan_at(0, Event::Pump);
        let first = self.rng.below(self.plan.fault_interval);
        self.agenda.plan_at(first, Event::NextFault);
        self.agenda.plan_in(SECOND / 2, Event::Repartition);
        Ok(())
    }

    /// Waits until nothing waits any more; has parked messages tried again or dismissed then.
    fn wait_until_quiescent(&mut self, mut has_old: bool) -> Check {
        let end = self.agenda.now() + REST_WITHIN;
        let mut was_quiescent = false;
        loop {
            let next = self.agenda.now() + SECOND / 4;
            self.run_until(next)?;
            if has_old && self.rng.chance(200) {
                self.end_old();
                has_old = false;
            }
            if !has_old && self.is_quiescent() {
                if was_quiescent && self.shadows.iter().all(|shadow| shadow.parked == 0) {
                    return money::check(&self.shadows);
                }
                was_quiescent = true;
                flaky::set_panicking(false);
                self.decide_parked()?;
            }
            ensure!(self.agenda.now() < end, "liveness", "no rest: {}", self.unfinished_work());
        }
    }

    /// Lets time pass for longer than client keys are remembered, or everybody sleep for that long: then nothing may be left of them.
    fn expire_client_keys(&mut self) -> Check {
        if !self.plan.forgets_soon() {
            // An operator gives their word for clocks that are far ahead.
            self.plan.tuning.clock_gap_max = Duration::MAX;
            for node in 0..self.nodes.len() {
                self.nodes[node].clock_off = OUTLIVING;
                self.crash(node)?;
            }
        }
        let end = self.agenda.now() + REST_WITHIN;
        loop {
            let next = self.agenda.now() + SECOND;
            self.run_until(next)?;
            let kept: usize = self.shadows.iter().map(|shadow| self.kept_keys(shadow)).sum();
            if kept == 0 && self.is_quiescent() {
                return Ok(());
            }
            // Keys that only the log has are not found yet: their turn comes with the next checkpoint.
            self.request_checkpoints_everywhere();
            ensure!(self.agenda.now() < end, "keys", "{kept} client keys are never forgotten");
        }
    }

    /// Client keys of a partition that are too old, or will be soon. One that says that it was made much later than the partition's time,
    /// which a clock that was once wrong leaves behind for years, is kept until then.
    fn kept_keys(&self, shadow: &Shadow) -> usize {
        let soon = shadow.time().after(self.plan.tuning.client_key_retention);
        let is_ahead = |cell: &Bytes| {
            let text = cell::read_key(cell).ok().and_then(|cell| std::str::from_utf8(cell.sub).ok());
            self.plan.forgets_soon() && text.and_then(outside::made).is_some_and(|made| made > soon)
        };
        shadow.section(Section::ClientKeys).filter(|(cell, _)| !is_ahead(cell)).count()
    }

    pub(crate) fn is_quiescent(&self) -> bool {
        let done = |outcome: &Outcome| matches!(outcome, Outcome::Known(..) | Outcome::Unknown);
        let is_quiet = |id| {
            let writer = self.writers.current(id).and_then(|writer| self.writers.all.get(&writer));
            writer.is_some_and(|writer| writer.running.is_idle())
        };
        self.ops.iter().all(|op| done(&op.outcome))
            && self.streams.iter().all(Stream::is_done)
            && self.map.tiles.iter().all(|(_, id)| is_quiet(*id))
            && self.shadows.iter().all(|shadow| shadow.outgoing.is_empty())
            && self.shadows.iter().all(|shadow| shadow.section(Section::Timers).next().is_none())
            && self.open_checkpoint_requests() == 0
            && self.repartitioning.is_at_rest()
    }

    /// The work that is not finished, for people.
    fn unfinished_work(&self) -> String {
        let open = self.ops.iter().filter(|op| !matches!(op.outcome, Outcome::Known(..) | Outcome::Unknown)).count();
        let streams = self.streams.iter().filter(|stream| !stream.is_done()).count();
        let writers = self.writers.all.iter().map(|(id, writer)| format!("writer {id}: {:?}", writer.running.status()));
        let requests = self.open_checkpoint_requests();
        let kept = self.shadows.iter().map(|shadow| {
            let (outgoing, timers) = (shadow.outgoing.len(), shadow.section(Section::Timers).count());
            format!("partition {}: {outgoing} to send, {timers} timers, {} parked", shadow.id, shadow.parked)
        });
        let ending = self.repartitioning.under_way();
        format!(
            "{open} operations, {streams} producers, {requests} checkpoint requests, {ending}, {:#?}, {:#?}",
            kept.collect::<Vec<_>>(),
            writers.collect::<Vec<_>>()
        )
    }
}

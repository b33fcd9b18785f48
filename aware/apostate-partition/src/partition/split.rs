//! Splits and merges partitions in memory: what goes along by the places of entities, part by part.
//!
//! A partition that is split or merged is closed and quiet: no batch is open, every record is durable, no checkpoint is under way, and the
//! store is not being read for a page of its outbox or of client keys. What the log knows does not go along, for a side has a log of its own:
//! it begins with the numbers and the time that are here, and where a side has another id, memory forgets positions in the log before.
//!
//! Nothing here is durable, and nothing is said to anybody. Read next: `cut.rs`.

use apostate_log::Position;

use super::Partition;
use crate::cells::cell::{self, PartitionRow};
use crate::cells::in_memory::CellsInMemory;
use crate::checkpoints::Checkpoints;
use crate::cut::Cut;
use crate::delivery::Delivery;
use crate::entities::{Entities, KeySweep};
use crate::pacing::Pacer;
use crate::planted::{self, Bug};
use crate::rectangles::{Change, Origin};
use crate::scope::Scope;
use crate::timers::Timers;
use crate::work::Work;

/// Cells that memory has, but for rows of the partition's own.
fn cells_of(entities: &Entities, timers: &Timers, delivery: &Delivery) -> CellsInMemory {
    let mut cells = CellsInMemory::default();
    entities.cells_in_memory(&mut cells);
    timers.cells().for_each(|(key, value)| cells.put(key, Some(value)));
    delivery.outbox().cells_in_memory(&mut cells);
    cells
}

/// The parts of a partition that go along.
pub(super) struct Parts {
    time: Pacer,
    entities: Entities,
    work: Work,
    checkpoints: Checkpoints,
    delivery: Delivery,
    sweep: KeySweep,
    timers: Timers,
}

impl Parts {
    /// The parts of each side.
    pub(super) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { time, entities, work, checkpoints, delivery, sweep, timers } = self;
        let mut entities = entities.split(cut);
        let checkpoints = checkpoints.split(cut, &mut entities);
        let parts = time.split().into_iter().zip(entities).zip(work.split(cut)).zip(checkpoints);
        let parts = parts.zip(delivery.split(cut)).zip(sweep.split()).zip(timers.split(cut));
        let mut sides = parts.map(|((((((time, entities), work), checkpoints), delivery), sweep), timers)| Self {
            time,
            entities,
            work,
            checkpoints,
            delivery,
            sweep,
            timers,
        });
        std::array::from_fn(|_| sides.next().expect("P2 broken: a cut has two sides"))
    }

    /// The parts of two sides, `self` the lower one.
    fn merge(self, upper: Self) -> Self {
        let Self { time, entities, work, checkpoints, delivery, sweep, timers } = upper;
        let (work, forgotten) = self.work.merge(work);
        let (checkpoints, entities) = self.checkpoints.merge(self.entities, checkpoints, entities);
        let mut merged = Self {
            time: self.time.merge(time),
            entities,
            work,
            checkpoints,
            delivery: self.delivery.merge(delivery),
            sweep: self.sweep.merge(sweep),
            timers: self.timers.merge(timers),
        };
        for producer in forgotten {
            merged.delivery.rectangles_mut().forget(&Origin::Producer(producer), &mut Change::default());
        }
        merged
    }

    /// The parts of a partition that goes on for another one. What waits for the store, and what is known of others, was in that one's log.
    pub(super) fn of_child(self, scope: &Scope) -> Self {
        let Self { time, entities, work, checkpoints, delivery, sweep, timers } = self;
        let (entities, checkpoints) = (entities.of_child(), checkpoints.of_child());
        let timers = if planted::is(Bug::TimersLeftBehind) { Timers::default() } else { timers };
        Self { time, entities, work, checkpoints, delivery: delivery.of_child(scope), sweep, timers }
    }

    /// Exchanges open work with the other side, which is wrong.
    pub(super) fn swap_open_work(&mut self, other: &mut Self) {
        std::mem::swap(self.entities.open_work_mut(), other.entities.open_work_mut());
    }

    /// Recounts one side of a split, and sees that it has what lies there.
    fn check(&self, side: usize, cut: Cut, durable: Position) {
        let Self { time: _, entities, work, checkpoints, delivery, sweep, timers } = self;
        entities.check(&[], false);
        work.check(false);
        checkpoints.check();
        delivery.check(durable);
        sweep.check();
        timers.check(false);
        let cells = cells_of(entities, timers, delivery);
        let is_there = |key: &Vec<u8>| cut.side(cell::hash_of(key)) == side;
        let stray = cells.there.keys().chain(&cells.absent).find(|key| !is_there(key));
        assert!(stray.is_none(), "P3 broken: after a split, the cell {stray:?} is on the wrong side");
    }
}

impl Partition {
    /// Whether it may be split or merged as it is.
    fn is_closed(&self) -> bool {
        let is_written = self.log.is_serving() && self.log.is_settled() && self.batch.is_empty();
        let is_reading = self.delivery.outbox().is_reading() || self.sweep.is_asking();
        is_written && !self.checkpoints.dirty().is_busy() && !is_reading
    }

    /// Takes the parts out that go along.
    pub(super) fn take_parts(&mut self) -> Parts {
        let Self {
            scope,
            time,
            entities,
            runner: _,
            batch: _,
            work,
            log: _,
            checkpoints,
            delivery,
            sweep,
            timers,
            topology: _,
            intent: _,
            seal: _,
            genesis: _,
            reads: _,
            notices: _,
            steps: _,
        } = self;
        let nobody = Entities::like(entities);
        Parts {
            time: std::mem::take(time),
            entities: std::mem::replace(entities, nobody),
            work: std::mem::take(work),
            checkpoints: std::mem::take(checkpoints),
            delivery: std::mem::replace(delivery, Delivery::new(scope)),
            sweep: std::mem::take(sweep),
            timers: std::mem::take(timers),
        }
    }

    pub(super) fn put_parts(&mut self, parts: Parts) {
        let Parts { time, entities, work, checkpoints, delivery, sweep, timers } = parts;
        (self.time, self.entities, self.work, self.checkpoints) = (time, entities, work, checkpoints);
        (self.delivery, self.sweep, self.timers) = (delivery, sweep, timers);
    }

    /// Splits all that is in memory in front of `at`, and merges it again: nothing that an entity, a client or another partition can tell is
    /// different then, but that sessions are opened anew. For simulations, which give it a turn next. False: it is not closed and quiet, or one
    /// side would be empty, and nothing was done.
    ///
    /// # Panics
    ///
    /// When something is on the wrong side, or counted wrong there.
    pub fn rehearse_split(&mut self, at: u64) -> bool {
        let cut = Cut::new(self.scope.range(), at).filter(|_| self.is_closed());
        let Some(cut) = cut else { return false };
        let sides = self.take_parts().split(cut);
        for (side, parts) in sides.iter().enumerate() {
            parts.check(side, cut, self.log.durable());
        }
        let [lower, upper] = sides;
        self.put_parts(lower.merge(upper));
        self.delivery.ask_heard(&self.scope);
        self.check_all();
        true
    }

    /// Cells as memory has them, which is what durable records say. None: it is not closed and quiet.
    #[must_use]
    pub fn cells_in_memory(&self) -> Option<CellsInMemory> {
        if !self.is_closed() {
            return None;
        }
        let mut cells = cells_of(&self.entities, &self.timers, &self.delivery);
        self.rows_in_memory(&mut cells);
        Some(cells)
    }

    fn rows_in_memory(&self, cells: &mut CellsInMemory) {
        for (row, value) in self.own_rows() {
            cells.put(cell::partition_row(self.scope.id(), &row), Some(&value));
        }
        if let Some(genesis) = &self.genesis {
            cells.put(cell::partition_row(self.scope.id(), &PartitionRow::Genesis), Some(&genesis.write()));
        }
    }

    /// Rows of the partition's own, but for its counters and what it was made of.
    pub(super) fn own_rows(&self) -> Vec<(PartitionRow, Vec<u8>)> {
        let mut rows = Vec::new();
        let mut put = |row: PartitionRow, value: &[u8]| rows.push((row, value.to_vec()));
        for (origin, area, number) in self.delivery.rectangles().iter() {
            put(PartitionRow::Rectangle(origin.clone(), area), &number.to_le_bytes());
        }
        for (range, generation) in self.delivery.generations().iter() {
            put(PartitionRow::Generation(range), &generation.to_bytes());
        }
        let known = self.work.producers().known();
        for (name, heard) in known.written() {
            put(PartitionRow::Heard(name.clone()), &heard.0.to_le_bytes());
        }
        if known.has_forgotten() {
            put(PartitionRow::ForgottenProducers, &known.forgotten_row());
        }
        if let Some(made) = self.sweep.forgotten() {
            put(PartitionRow::ForgottenKeys, &made.0.to_le_bytes());
        }
        if self.entities.deleted_version() > 0 {
            put(PartitionRow::DeletedVersion, &self.entities.deleted_version().to_le_bytes());
        }
        rows
    }
}

//! faults: crashes, pauses, old writers that come back, cuts, clocks that jump, stores that fail.

use apostate_log::{PartitionId, Position};
use apostate_world::SECOND;

use crate::engine::WriterId;
use crate::engine::lock;
use crate::fault::Fault;
use crate::violation::Check;
use crate::world::{Event, World};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

impl World {
    /// Something goes wrong, and the next inject_fault is planned.
    pub(crate) fn inject_fault(&mut self) -> Check {
        if self.is_healed {
            return Ok(());
        }
        let gap = self.rng.between(self.plan.fault_interval / 10, 2 * self.plan.fault_interval);
        self.agenda.plan_in(gap, Event::NextFault);
        let node = self.rng.index(self.nodes.len());
        match self.rng.below(15) {
            0..=3 => self.crash(node),
            4 => {
                self.pause(node);
                Ok(())
            }
            5 => self.take_over(node),
            6 | 7 => {
                self.split();
                Ok(())
            }
            8 => {
                self.clock_jumps(node);
                Ok(())
            }
            9 => {
                self.log_is_full();
                Ok(())
            }
            10 => {
                self.nodes[node].fails_checkpoint = true;
                Ok(())
            }
            11 => {
                self.keep_older_store(node);
                Ok(())
            }
            12 => self.restore_older_store(node),
            // No faults: an operator who decides, perhaps too early, or reads a list.
            13 => self.decide_parked(),
            _ => {
                self.request_checkpoints_everywhere();
                Ok(())
            }
        }
    }

    /// The writers of a node that are not old.
    fn writers_at(&self, node: usize) -> Vec<(WriterId, PartitionId)> {
        let ending = self.repartitioning.ended.iter().filter(|(_, ended)| ended.node == node).map(|(id, _)| id);
        let partitions = self.nodes[node].partitions.iter().chain(ending);
        partitions.filter_map(|id| Some((self.writers.current(*id)?, *id))).collect()
    }

    /// A process dies, and with it what it had in memory; it is started again a little later.
    pub(crate) fn crash(&mut self, node: usize) -> Check {
        if !self.nodes[node].is_up {
            return Ok(());
        }
        self.note(Fault::Crash);
        self.nodes[node].is_up = false;
        for (writer, id) in self.writers_at(node) {
            self.writers.remove(writer);
            if self.plan.is_embedded {
                // The machine dies, and with it whoever else writes to this log.
                self.writers.all.retain(|_, other| other.id != id);
                self.lose_tail(id)?;
            }
        }
        let outage = self.rng.pick(&[1000, SECOND / 10, 2 * SECOND]);
        self.agenda.plan_in(outage, Event::Reopen { node });
        Ok(())
    }

    /// The machine dies too: what was not synced is there or not, and nothing behind what is not.
    fn lose_tail(&mut self, id: PartitionId) -> Check {
        let unsynced = lock(self.disk(id)).unsynced();
        if unsynced == 0 {
            return Ok(());
        }
        let keep = self.rng.between(0, unsynced);
        let lost = lock(self.disk(id)).lose_unsynced(keep);
        if lost > 0 {
            self.note(Fault::LostTail);
        }
        if keep > 0 {
            self.note(Fault::KeptTail);
        }
        let last = lock(self.disk(id)).last();
        self.sync(id, last)
    }

    fn pause(&mut self, node: usize) {
        let until = self.agenda.now() + self.rng.pick(&[SECOND / 20, SECOND, 8 * SECOND]);
        let writers = self.writers_at(node);
        if !writers.is_empty() {
            self.note(Fault::Pause);
        }
        for (writer, _) in writers {
            self.pause_until(writer, until);
        }
    }

    fn pause_until(&mut self, writer: WriterId, until: u64) {
        if let Some(opened) = self.writers.all.get_mut(&writer) {
            opened.paused = Some(until);
            self.agenda.plan_at(until, Event::Resume { writer, until });
        }
    }

    /// A writer goes on, and is told what it has missed.
    pub(crate) fn resume(&mut self, writer: WriterId, until: u64) {
        let Some(opened) = self.writers.all.get_mut(&writer) else { return };
        if opened.paused != Some(until) {
            return;
        }
        opened.paused = None;
        for input in std::mem::take(&mut opened.waiting) {
            self.give(writer, input);
        }
    }

    /// Everybody thinks that a node is dead, and it is not: it is opened again, and the old one goes on.
    fn take_over(&mut self, node: usize) -> Check {
        let writers = self.writers_at(node);
        if writers.is_empty() || !self.nodes[node].is_up {
            return Ok(());
        }
        self.note(Fault::Takeover);
        // The old ones keep what they had; nobody else sees what they do to it.
        let detached = self.nodes[node].store.copy();
        let is_still = self.rng.chance(700);
        let until = self.agenda.now() + self.rng.pick(&[SECOND / 10, SECOND, 6 * SECOND]);
        for (writer, id) in writers {
            self.writers.set_current(id, None);
            if let Some(old) = self.writers.all.get_mut(&writer) {
                old.is_old = true;
                old.store = detached.clone();
            }
            if is_still {
                self.pause_until(writer, until);
            }
        }
        self.reopen(node)
    }

    fn split(&mut self) {
        let (one, other) = (self.any_partition(), self.any_partition());
        if one == other {
            return;
        }
        let is_full = self.rng.chance(500);
        self.note(if is_full { Fault::SplitFull } else { Fault::SplitOneWay });
        let length = self.rng.pick(&[SECOND / 10, SECOND, 5 * SECOND]);
        let back = is_full.then_some((other, one));
        for (from, to) in [Some((one, other)), back].into_iter().flatten() {
            self.cuts.push((from, to));
            self.agenda.plan_in(length, Event::Reconnect { from, to });
        }
    }

    /// One of the partitions that there are.
    fn any_partition(&mut self) -> PartitionId {
        self.map.tiles[self.rng.index(self.map.tiles.len())].1
    }

    fn clock_jumps(&mut self, node: usize) {
        let size = self.rng.pick(&[50, 2_000, 60_000, 3_600_000]);
        let size = self.rng.below(size) as i64;
        if self.rng.chance(500) {
            self.note(Fault::ClockForward);
            self.nodes[node].clock_off += size;
        } else {
            self.note(Fault::ClockBack);
            self.nodes[node].clock_off -= size;
        }
    }

    /// A node that is about to start has its clock set: wrong by days, or right again.
    pub(crate) fn sets_clock_at_opening(&mut self, node: usize) {
        if !self.has_fault(100) {
            return;
        }
        self.note(Fault::ClockAtOpening);
        let size = self.rng.pick(&[0, 25 * HOUR, 48 * HOUR, 30 * 365 * 24 * HOUR]);
        self.nodes[node].clock_off = if self.rng.chance(500) { size } else { -size };
    }

    fn log_is_full(&mut self) {
        let id = self.any_partition();
        self.note(Fault::LogFull);
        self.log_mut(id).is_full = true;
        let length = self.rng.pick(&[SECOND / 100, SECOND]);
        self.agenda.plan_in(length, Event::MakeRoom { id });
    }

    /// A copy of a store is made, to be restored later.
    fn keep_older_store(&mut self, node: usize) {
        let copy = self.nodes[node].store.copy();
        self.nodes[node].older = Some(copy);
    }

    /// A node crashes, and is opened with an older store, from where the log still goes on.
    fn restore_older_store(&mut self, node: usize) -> Check {
        let Some(older) = self.nodes[node].older.take() else { return Ok(()) };
        let reaches = |id: &PartitionId| {
            let stored = apostate_partition::stored_position(&older, *id).ok().flatten().unwrap_or(Position(0));
            lock(self.disk(*id)).first() <= stored.next()
        };
        if !self.nodes[node].is_up || !self.nodes[node].partitions.iter().all(reaches) {
            return Ok(());
        }
        self.note(Fault::OlderStore);
        self.crash(node)?;
        self.nodes[node].store = older;
        Ok(())
    }

    /// Everything is well again: nothing is cut, full or still, and everybody runs.
    pub(crate) fn heal(&mut self) -> Check {
        self.is_healed = true;
        self.cuts.clear();
        self.logs.values_mut().for_each(|log| log.is_full = false);
        self.nodes.iter_mut().for_each(|node| node.fails_checkpoint = false);
        let still: Vec<_> = self.writers.all.iter().filter_map(|(id, writer)| Some((*id, writer.paused?))).collect();
        for (writer, until) in still {
            self.resume(writer, until);
        }
        for node in 0..self.nodes.len() {
            self.reopen(node)?;
        }
        let writers = self.writers.all.keys().copied().filter(|_| self.maps.len() > 1);
        writers.collect::<Vec<_>>().into_iter().for_each(|writer| self.hear_of_map(writer));
        Ok(())
    }

    /// Old writers that have not found out are shut down.
    pub(crate) fn end_old(&mut self) {
        self.writers.all.retain(|_, writer| !writer.is_old);
    }
}

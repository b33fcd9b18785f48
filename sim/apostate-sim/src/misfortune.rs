//! Misfortunes: crashes, pauses, old writers that come back, cuts, clocks that jump, stores that fail.

use apostate_log::{PartitionId, Position};
use apostate_world::SECOND;

use crate::broken::Check;
use crate::engine::lock;
use crate::fault::Fault;
use crate::host::SeatId;
use crate::world::{Event, World};

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

impl World {
    /// Something goes wrong, and the next misfortune is planned.
    pub(crate) fn misfortune(&mut self) -> Check {
        if self.is_healed {
            return Ok(());
        }
        let gap = self.rng.between(self.plan.misfortune_gap / 10, 2 * self.plan.misfortune_gap);
        self.agenda.plan_in(gap, Event::Misfortune);
        let place = self.rng.index(self.places.len());
        match self.rng.below(15) {
            0..=3 => self.crash(place),
            4 => {
                self.pause(place);
                Ok(())
            }
            5 => self.take_over(place),
            6 | 7 => {
                self.split();
                Ok(())
            }
            8 => {
                self.clock_jumps(place);
                Ok(())
            }
            9 => {
                self.log_is_full();
                Ok(())
            }
            10 => {
                self.places[place].fails_checkpoint = true;
                Ok(())
            }
            11 => {
                self.keep_older_store(place);
                Ok(())
            }
            12 => self.restore_older_store(place),
            // No misfortunes: an operator who decides, perhaps too early, or reads a list.
            13 => self.decide_parked(),
            _ => {
                self.request_checkpoints_everywhere();
                Ok(())
            }
        }
    }

    /// The seats of a place that are not old.
    fn seats_of(&self, place: usize) -> Vec<(SeatId, PartitionId)> {
        let partitions = self.places[place].partitions.iter();
        partitions.filter_map(|id| Some((self.seats.current(*id)?, *id))).collect()
    }

    /// A process dies, and with it what it had in memory; it is started again a little later.
    pub(crate) fn crash(&mut self, place: usize) -> Check {
        if !self.places[place].is_up {
            return Ok(());
        }
        self.note(Fault::Crash);
        self.places[place].is_up = false;
        for (seat, id) in self.seats_of(place) {
            self.seats.remove(seat);
            if self.plan.is_embedded {
                // The machine dies, and with it whoever else writes to this log.
                self.seats.all.retain(|_, other| other.id != id);
                self.lose_tail(id)?;
            }
        }
        let outage = self.rng.pick(&[1000, SECOND / 10, 2 * SECOND]);
        self.agenda.plan_in(outage, Event::Reopen { place });
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

    fn pause(&mut self, place: usize) {
        let until = self.agenda.now() + self.rng.pick(&[SECOND / 20, SECOND, 8 * SECOND]);
        let seats = self.seats_of(place);
        if !seats.is_empty() {
            self.note(Fault::Pause);
        }
        for (seat, _) in seats {
            self.stand_still(seat, until);
        }
    }

    fn stand_still(&mut self, seat: SeatId, until: u64) {
        if let Some(seat_of) = self.seats.all.get_mut(&seat) {
            seat_of.paused = Some(until);
            self.agenda.plan_at(until, Event::GoOn { seat, until });
        }
    }

    /// A seat goes on, and is told what it has missed.
    pub(crate) fn go_on(&mut self, seat: SeatId, until: u64) {
        let Some(seat_of) = self.seats.all.get_mut(&seat) else { return };
        if seat_of.paused != Some(until) {
            return;
        }
        seat_of.paused = None;
        for input in std::mem::take(&mut seat_of.waiting) {
            self.give(seat, input);
        }
    }

    /// Everybody thinks that a place is dead, and it is not: it is opened again, and the old one goes on.
    fn take_over(&mut self, place: usize) -> Check {
        let seats = self.seats_of(place);
        if seats.is_empty() || !self.places[place].is_up {
            return Ok(());
        }
        self.note(Fault::Takeover);
        // The old ones keep what they had; nobody else sees what they do to it.
        let detached = self.places[place].store.copy();
        let is_still = self.rng.chance(700);
        let until = self.agenda.now() + self.rng.pick(&[SECOND / 10, SECOND, 6 * SECOND]);
        for (seat, id) in seats {
            self.seats.set_current(id, None);
            if let Some(old) = self.seats.all.get_mut(&seat) {
                old.is_old = true;
                old.store = detached.clone();
            }
            if is_still {
                self.stand_still(seat, until);
            }
        }
        self.reopen(place)
    }

    fn split(&mut self) {
        let count = u64::from(self.plan.partitions);
        let one = PartitionId(self.rng.between(1, count));
        let other = PartitionId(self.rng.between(1, count));
        if one == other {
            return;
        }
        let is_full = self.rng.chance(500);
        self.note(if is_full { Fault::SplitFull } else { Fault::SplitOneWay });
        let length = self.rng.pick(&[SECOND / 10, SECOND, 5 * SECOND]);
        let back = is_full.then_some((other, one));
        for (from, to) in [Some((one, other)), back].into_iter().flatten() {
            self.cuts.push((from, to));
            self.agenda.plan_in(length, Event::Mend { from, to });
        }
    }

    fn clock_jumps(&mut self, place: usize) {
        let size = self.rng.pick(&[50, 2_000, 60_000, 3_600_000]);
        let size = self.rng.below(size) as i64;
        if self.rng.chance(500) {
            self.note(Fault::ClockForward);
            self.places[place].clock_off += size;
        } else {
            self.note(Fault::ClockBack);
            self.places[place].clock_off -= size;
        }
    }

    /// A place that is about to start has its clock set: wrong by days, or right again.
    pub(crate) fn sets_clock_at_opening(&mut self, place: usize) {
        if !self.is_struck(100) {
            return;
        }
        self.note(Fault::ClockAtOpening);
        let size = self.rng.pick(&[0, 25 * HOUR, 48 * HOUR, 30 * 365 * 24 * HOUR]);
        self.places[place].clock_off = if self.rng.chance(500) { size } else { -size };
    }

    fn log_is_full(&mut self) {
        let id = PartitionId(self.rng.between(1, u64::from(self.plan.partitions)));
        self.note(Fault::LogFull);
        self.full[id.0 as usize - 1] = true;
        let length = self.rng.pick(&[SECOND / 100, SECOND]);
        self.agenda.plan_in(length, Event::MakeRoom { id });
    }

    /// Somebody makes a copy of a store.
    fn keep_older_store(&mut self, place: usize) {
        let copy = self.places[place].store.copy();
        self.places[place].older = Some(copy);
    }

    /// A place crashes, and is opened with an older store, from where the log still goes on.
    fn restore_older_store(&mut self, place: usize) -> Check {
        let Some(older) = self.places[place].older.take() else { return Ok(()) };
        let reaches = |id: &PartitionId| {
            let stored = apostate_partition::stored_position(&older, *id).ok().flatten().unwrap_or(Position(0));
            lock(self.disk(*id)).first() <= stored.next()
        };
        if !self.places[place].is_up || !self.places[place].partitions.iter().all(reaches) {
            return Ok(());
        }
        self.note(Fault::OlderStore);
        self.crash(place)?;
        self.places[place].store = older;
        Ok(())
    }

    /// Everything is well again: nothing is cut, full or still, and everybody runs.
    pub(crate) fn heal(&mut self) -> Check {
        self.is_healed = true;
        self.cuts.clear();
        self.full.iter_mut().for_each(|full| *full = false);
        self.places.iter_mut().for_each(|place| place.fails_checkpoint = false);
        let still: Vec<_> = self.seats.all.iter().filter_map(|(id, seat)| Some((*id, seat.paused?))).collect();
        for (seat, until) in still {
            self.go_on(seat, until);
        }
        for place in 0..self.places.len() {
            self.reopen(place)?;
        }
        Ok(())
    }

    /// Old writers that have not found out are shut down.
    pub(crate) fn end_old(&mut self) {
        self.seats.all.retain(|_, seat| !seat.is_old);
    }
}

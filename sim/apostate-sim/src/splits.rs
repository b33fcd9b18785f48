//! Splits in memory: now and then a partition that is at rest for a moment is split at some place of the ring, and merged again.
//!
//! What it has in memory is compared with the cell shadow before, and has to be the same afterwards, to the byte. Then it goes on, and all that is
//! checked of a run is checked of it.
//!
//! Invariant P3: a split and a merge lose nothing, and add nothing.

use apostate_partition::CellsInMemory;
use apostate_partition::cell::{self, Section};
use apostate_world::{Moment, Rng, SECOND};

use crate::engine::WriterId;
use crate::violation::{Check, ensure};
use crate::world::{Event, World};

/// Splits of any partition are about this far apart at most: each opens all sessions of the partition anew, and what is sent has to get on in
/// between.
const INTERVAL_MAX: Moment = SECOND;

impl World {
    /// Splits the partition of a writer in memory and merges it again, perhaps.
    pub(crate) fn rehearse_split(&mut self, id: WriterId) -> Check {
        let Some(rng) = self.split_rng.as_mut().filter(|_| !self.is_damaged) else { return Ok(()) };
        let Some(writer) = self.writers.all.get_mut(&id).filter(|writer| !writer.is_old) else { return Ok(()) };
        let now = self.agenda.now();
        if now < self.next_split {
            return Ok(());
        }
        let (partition, shadow) = (writer.id, self.shadows.get(writer.id));
        let Some(before) = writer.running.cells_in_memory().filter(|_| writer.running.is_up_to(shadow.position)) else {
            return Ok(());
        };
        self.shadows.cells.check_memory(partition, &before)?;
        let at = draw_cut(rng, &before);
        if !writer.running.rehearse_split(at) {
            return Ok(());
        }
        let after = writer.running.cells_in_memory();
        ensure!(
            after.as_ref() == Some(&before),
            "P3",
            "partition {partition} is another one after a split at {at:016x}: {:?}",
            after.as_ref().and_then(|after| difference(&before, after))
        );
        self.splits += 1;
        self.next_split = now + rng.below(INTERVAL_MAX);
        self.agenda.plan_in(0, Event::Turn(id));
        Ok(())
    }
}

/// A place of the ring to cut at: in the middle of nowhere, or just beside an entity.
fn draw_cut(rng: &mut Rng, cells: &CellsInMemory) -> u64 {
    let is_of_entity = |key: &&Vec<u8>| !matches!(cell::section_of(key), Ok(Section::Own | Section::Host) | Err(_));
    let keys: Vec<_> = cells.there.keys().filter(is_of_entity).collect();
    if keys.is_empty() || rng.chance(300) {
        return rng.next();
    }
    cell::hash_of(keys[rng.index(keys.len())]).wrapping_add(rng.below(2))
}

/// The first cell that one has, and the other has not or has with another value.
fn difference(one: &CellsInMemory, other: &CellsInMemory) -> Option<String> {
    let keys = one.there.keys().chain(other.there.keys()).chain(&one.absent).chain(&other.absent);
    let differs = |key: &&Vec<u8>| {
        one.there.get(*key) != other.there.get(*key) || one.absent.contains(*key) != other.absent.contains(*key)
    };
    let key = keys.into_iter().find(differs)?;
    Some(format!("{key:?} was {:?} and is {:?}", one.there.get(key), other.there.get(key)))
}

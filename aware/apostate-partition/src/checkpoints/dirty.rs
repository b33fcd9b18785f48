//! Changes since the last checkpoint, and the checkpoint made of them.
//!
//! A *generation* is the time between two checkpoints. Changed entities stand in a list, each once a generation, with
//! their newest bytes by reference count; so a checkpoint as of the record that was just closed is the list itself,
//! taken as it is. It is handed out once that record is durable: the store never holds what the log could
//! still lose.

mod split;

use std::collections::VecDeque;
use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{PartitionId, Position};
use rustc_hash::FxHashMap;

use crate::cells::checkpoint::{Cell, Checkpoint};
use crate::cells::fresh::FreshCell;
use crate::cells::shared::SharedCell;
use crate::cells::state::StateBytes;
use crate::entities::{SLOT_BYTES, Slot};
use crate::planted::{self, Bug};

/// Changes by generation.
pub(crate) struct Dirty {
    /// The generation under way; from 1.
    generation: u64,
    /// None: the entity was deleted.
    states: Vec<(Address, Option<StateBytes>)>,
    cells: FxHashMap<Box<[u8]>, Option<Arc<[u8]>>>,
    /// Cells that are erased while the store may still have them, with the generation that says so to it.
    erased: FxHashMap<Box<[u8]>, u64>,
    /// Changes of shared cells in their order: of one key the last counts.
    shared: Vec<SharedCell>,
    bytes: usize,
    /// Bytes of log since the last checkpoint was taken.
    log_bytes: u64,
    /// Taken, and waiting for its record to be durable.
    taken: VecDeque<(u64, Checkpoint, usize)>,
    /// With the checkpointer: generation, position, bytes.
    writing: Option<(u64, Position, usize)>,
    /// The newest generation that the store holds.
    stored: u64,
    /// The record that ended it; 0 for one of an earlier opening.
    stored_position: Position,
}

impl Default for Dirty {
    fn default() -> Self {
        Self {
            generation: 1,
            states: Vec::new(),
            cells: FxHashMap::default(),
            erased: FxHashMap::default(),
            shared: Vec::new(),
            bytes: 0,
            log_bytes: 0,
            taken: VecDeque::new(),
            writing: None,
            stored: 0,
            stored_position: Position(0),
        }
    }
}

impl Dirty {
    /// The slot's state cell is as it has it now. One that is gone is pinned like any other, until the store knows.
    pub(crate) fn put_state(&mut self, slot: &mut Slot) {
        if planted::is(Bug::CheckpointMisses) && self.is_busy() {
            return;
        }
        let cell = slot.encoded().cloned();
        if let Some(index) = slot.dirty_in(self.generation) {
            let held = &mut self.states[index].1;
            self.bytes = self.bytes + length_of(&cell) - length_of(held);
            *held = cell;
        } else {
            slot.note_dirty(self.generation, self.states.len());
            self.bytes += length_of(&cell) + SLOT_BYTES;
            self.states.push((slot.address().clone(), cell));
        }
    }

    /// A cell of another section has this value now.
    pub(crate) fn put(&mut self, key: Box<[u8]>, value: Arc<[u8]>) {
        self.erased.remove(&key);
        self.set_cell(key, Some(value));
    }

    /// Tombstone: a cell of another section is gone, and the next checkpoint says so, for the store may have it.
    pub(crate) fn erase(&mut self, key: Box<[u8]>) {
        if planted::is(Bug::TombstoneMissing) {
            return self.forget(&key);
        }
        self.erased.insert(key.clone(), self.generation);
        self.set_cell(key, None);
    }

    /// Whether a cell is erased, and the store may not know yet: what a load brings of it is dead.
    pub(crate) fn is_erased(&self, key: &[u8]) -> bool {
        self.erased.contains_key(key)
    }

    /// A cell was put that was never there before.
    pub(crate) fn put_fresh(&mut self, cell: FreshCell, value: Arc<[u8]>) {
        debug_assert!(!self.cells.contains_key(cell.key()), "E1 broken: a key is used again that is used once");
        self.set_cell(cell.into_key(), Some(value));
    }

    /// A cell is gone that will not be there again. One that was put in this generation leaves nothing.
    pub(crate) fn erase_fresh(&mut self, cell: FreshCell) {
        if planted::is(Bug::CheckpointForgets) {
            return;
        }
        if self.cells.contains_key(cell.key()) {
            self.forget(cell.key());
        } else {
            self.set_cell(cell.into_key(), None);
        }
    }

    /// The next checkpoint says nothing of a cell.
    fn forget(&mut self, key: &[u8]) {
        if let Some(before) = self.cells.remove(key) {
            self.bytes -= key.len() + length_of(&before);
        }
    }

    /// The newest change of a cell stands for those before it.
    fn set_cell(&mut self, key: Box<[u8]>, value: Option<Arc<[u8]>>) {
        let key_length = key.len();
        self.bytes += key_length + length_of(&value);
        if let Some(before) = self.cells.insert(key, value) {
            self.bytes -= key_length + length_of(&before);
        }
    }

    /// A shared cell was put or erased.
    pub(crate) fn change(&mut self, cell: SharedCell) {
        if cell.value().is_none() {
            if planted::is(Bug::TombstoneMissing) {
                return;
            }
            self.erased.insert(cell.key().into(), self.generation);
        } else if !self.erased.is_empty() {
            self.erased.remove(cell.key());
        }
        self.bytes += cell.length();
        self.shared.push(cell);
    }

    pub(crate) fn count_log(&mut self, bytes: usize) {
        self.log_bytes += bytes as u64;
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Bytes that wait for the store.
    pub(crate) fn bytes(&self) -> usize {
        let taken: usize = self.taken.iter().map(|(_, _, bytes)| bytes).sum();
        self.bytes + taken + self.writing.map_or(0, |(_, _, bytes)| bytes)
    }

    /// Whether anything changed since the last checkpoint was taken.
    pub(crate) fn is_clean(&self) -> bool {
        self.log_bytes == 0
    }

    /// Whether a checkpoint is taken or with the checkpointer.
    pub(crate) fn is_busy(&self) -> bool {
        self.writing.is_some() || !self.taken.is_empty()
    }

    /// The newest generation that the store holds.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// The oldest generation that was ended by the record at `position` or a later one.
    pub(crate) fn generation_holding(&self, position: Position) -> Option<u64> {
        let stored = [(self.stored, self.stored_position)].into_iter();
        let writing = self.writing.iter().map(|(generation, position, _)| (*generation, *position));
        let taken = self.taken.iter().map(|(generation, checkpoint, _)| (*generation, checkpoint.position));
        let holding = stored.chain(writing).chain(taken).find(|(_, end)| *end >= position);
        holding.map(|(generation, _)| generation)
    }

    /// The generation under way.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Ends the generation with the record at `position`; `rows` are the partition's own rows as of it.
    pub(crate) fn take(&mut self, partition: PartitionId, position: Position, rows: Vec<Cell>) {
        let states = std::mem::take(&mut self.states);
        let mut cells: Vec<_> = std::mem::take(&mut self.cells).into_iter().collect();
        cells.extend(rows);
        let shared = std::mem::take(&mut self.shared);
        let checkpoint = Checkpoint { partition, position, states, cells, shared };
        self.taken.push_back((self.generation, checkpoint, std::mem::take(&mut self.bytes)));
        self.generation += 1;
        self.log_bytes = 0;
    }

    /// The next checkpoint to write, if its record is durable and none is being written.
    pub(crate) fn next(&mut self, durable: Position) -> Option<Checkpoint> {
        if self.writing.is_some() || self.taken.front()?.1.position > durable && !planted::is(Bug::CheckpointEarly) {
            return None;
        }
        let (generation, checkpoint, bytes) = self.taken.pop_front()?;
        self.writing = Some((generation, checkpoint.position, bytes));
        Some(checkpoint)
    }

    /// The store holds everything up to `position`. Gives whether that is the checkpoint that was being written.
    pub(crate) fn written(&mut self, position: Position) -> bool {
        let written = self.writing.take_if(|(_, writing, _)| *writing == position);
        if let Some((generation, position, _)) = written {
            (self.stored, self.stored_position) = (generation, position);
            self.erased.retain(|_, erased| *erased > generation);
        }
        written.is_some()
    }
}

fn length_of(value: &Option<Arc<[u8]>>) -> usize {
    value.as_ref().map_or(0, |value| value.len())
}

impl Dirty {
    /// Bytes of what has changed in the generation under way, counted anew.
    fn recounted(&self) -> usize {
        let states: usize = self.states.iter().map(|(_, cell)| length_of(cell) + SLOT_BYTES).sum();
        #[expect(clippy::disallowed_methods, reason = "a sum has no order")]
        let cells = self.cells.iter().map(|(key, value)| key.len() + length_of(value));
        let cells: usize = cells.sum();
        let shared: usize = self.shared.iter().map(SharedCell::length).sum();
        states + cells + shared
    }

    /// Recounts what is counted by hand.
    pub(super) fn check(&self) {
        let all = self.recounted();
        assert!(self.bytes == all, "P6 broken: changes are counted as {} bytes, not {all}", self.bytes);
        let generations = self.taken.iter().map(|(generation, ..)| *generation);
        let all: Vec<_> = self.writing.iter().map(|(generation, ..)| *generation).chain(generations).collect();
        let is_ordered = all.is_sorted() && all.iter().all(|&taken| self.stored < taken && taken < self.generation);
        assert!(is_ordered, "P6 broken: checkpoints are out of order");
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};

    use super::*;

    #[test]
    fn a_cell_is_counted_once_however_often_it_changes() {
        let mut dirty = Dirty::default();
        let key = || Box::from(*b"key");
        for _ in 0..2 {
            dirty.erase(key());
            assert_eq!(dirty.bytes(), 3);
            dirty.erase(key());
            assert_eq!(dirty.bytes(), 3);
            dirty.put(key(), Arc::from(*b"value"));
            assert_eq!(dirty.bytes(), 8);
            dirty.put(key(), Arc::from(*b"other value"));
            assert_eq!(dirty.bytes(), 14);
        }
        dirty.erase(key());
        assert_eq!(dirty.bytes(), 3);
    }

    /// Values that the next checkpoint gives its cells; none for a tombstone.
    fn says(dirty: &mut Dirty, position: u64) -> Vec<Option<Arc<[u8]>>> {
        dirty.take(PartitionId(1), Position(position), Vec::new());
        let checkpoint = dirty.next(Position(position)).expect("its record is durable");
        assert!(dirty.written(Position(position)));
        checkpoint.cells.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn a_cell_that_was_put_twice_and_erased_is_erased_in_the_store() {
        let mut dirty = Dirty::default();
        let (key, value) = (|| Box::from(*b"key"), || Arc::from(*b"value"));
        dirty.put(key(), value());
        assert_eq!(says(&mut dirty, 1), [Some(value())]);
        dirty.put(key(), value());
        dirty.erase(key());
        assert_eq!(says(&mut dirty, 2), [None]);
    }

    #[test]
    fn an_erased_cell_is_dead_until_the_store_says_so_itself() {
        let mut dirty = Dirty::default();
        let key = || Box::from(*b"key");
        dirty.erase(key());
        dirty.take(PartitionId(1), Position(1), Vec::new());
        dirty.take(PartitionId(1), Position(2), Vec::new());
        assert!(dirty.next(Position(2)).is_some() && dirty.is_erased(b"key"));
        assert!(dirty.written(Position(1)) && !dirty.is_erased(b"key"));
        dirty.erase(key());
        dirty.put(key(), Arc::from(*b"value"));
        assert!(!dirty.is_erased(b"key"), "it is there again");
    }

    #[test]
    fn a_fresh_cell_that_came_and_went_is_not_mentioned_and_one_that_the_store_has_is_erased() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let (cell, value) = (|number| FreshCell::inbox(&to, number), || Arc::from(*b"value"));
        let mut dirty = Dirty::default();
        dirty.put_fresh(cell(1), value());
        dirty.put_fresh(cell(2), value());
        dirty.erase_fresh(cell(1));
        assert_eq!(says(&mut dirty, 1), [Some(value())]);
        dirty.erase_fresh(cell(2));
        assert_eq!(says(&mut dirty, 2), [None]);
        assert_eq!(dirty.bytes(), 0);
    }
}

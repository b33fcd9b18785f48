//! What changed since the last checkpoint, and the checkpoint made of it.
//!
//! A *generation* is the time between two checkpoints. Changed entities stand in a list, each once a generation, with
//! their newest bytes by reference count; so a checkpoint as of the record that was just closed is the list itself,
//! taken as it is. It is handed out once that record is durable: the store never holds what the log could
//! still lose.

use std::collections::VecDeque;
use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{PartitionId, Position, Store, StoreError};
use rustc_hash::FxHashMap;

use crate::cell::{self, Section};
use crate::planted::{self, Bug};
use crate::slots::{SLOT_BYTES, Slot, StateBytes};

/// The key of a cell, and its value or that it is gone.
pub(crate) type Cell = (Box<[u8]>, Option<Arc<[u8]>>);

/// Cells of durable records up to a position, to be written to the store off the executor.
pub struct Checkpoint {
    /// Whose cells.
    pub partition: PartitionId,
    /// Up to where.
    pub position: Position,
    states: Vec<(Address, StateBytes)>,
    cells: Vec<Cell>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, position, states, cells } = self;
        write!(f, "checkpoint of partition {partition} at {position}: {} states, {} cells", states.len(), cells.len())
    }
}

impl Checkpoint {
    /// Number of cells.
    #[must_use]
    pub fn length(&self) -> usize {
        self.states.len() + self.cells.len()
    }

    /// Writes it to `store`, together with rows of the host's own, all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`]: nothing was written; try again later. When the store fails in any other way: tell the partition
    /// with [`CheckpointFailed`](crate::Input::CheckpointFailed).
    pub fn write(&self, store: &dyn Store, host_rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        let Self { partition: _, position: _, states, cells } = self;
        let mut keys = Vec::with_capacity(states.len() * 48);
        let mut all: Vec<(std::ops::Range<usize>, Option<&[u8]>)> =
            Vec::with_capacity(states.len() + cells.len() + host_rows.len());
        for (address, value) in states {
            let start = keys.len();
            cell::write_key(Section::State, address, &[], &mut keys);
            all.push((start..keys.len(), Some(value)));
        }
        let rows = host_rows.iter().map(|(key, value)| (&key[..], Some(&value[..])));
        for (key, value) in cells.iter().map(|(key, value)| (&key[..], value.as_deref())).chain(rows) {
            let start = keys.len();
            keys.extend_from_slice(key);
            all.push((start..keys.len(), value));
        }
        all.sort_unstable_by(|(one, _), (two, _)| keys[one.clone()].cmp(&keys[two.clone()]));
        store.checkpoint(&mut all.iter().map(|(key, value)| (&keys[key.clone()], *value)))
    }
}

/// What changed, by generation.
pub(crate) struct Dirty {
    /// The generation under way; from 1.
    generation: u64,
    states: Vec<(Address, StateBytes)>,
    cells: FxHashMap<Box<[u8]>, Option<Arc<[u8]>>>,
    bytes: usize,
    /// Bytes of log since the last checkpoint was taken.
    log_bytes: u64,
    /// Taken, and waiting for its record to be durable.
    taken: VecDeque<(u64, Checkpoint, usize)>,
    /// With the checkpointer: generation, position, bytes.
    writing: Option<(u64, Position, usize)>,
    /// The newest generation that the store holds.
    stored: u64,
}

impl Default for Dirty {
    fn default() -> Self {
        Self {
            generation: 1,
            states: Vec::new(),
            cells: FxHashMap::default(),
            bytes: 0,
            log_bytes: 0,
            taken: VecDeque::new(),
            writing: None,
            stored: 0,
        }
    }
}

impl Dirty {
    /// The slot's state cell has these bytes now.
    pub(crate) fn put_state(&mut self, slot: &mut Slot, bytes: StateBytes) {
        if slot.dirty_generation == self.generation {
            let held = &mut self.states[slot.dirty as usize].1;
            self.bytes = self.bytes + bytes.len() - held.len();
            *held = bytes;
        } else {
            slot.dirty_generation = self.generation;
            slot.dirty = self.states.len() as u32;
            self.bytes += bytes.len() + SLOT_BYTES;
            self.states.push((slot.address.clone(), bytes));
        }
    }

    /// A cell of another section was put. Its key was never used before.
    pub(crate) fn put_cell(&mut self, key: Box<[u8]>, value: Arc<[u8]>) {
        self.bytes += key.len() + value.len();
        self.cells.insert(key, Some(value));
    }

    /// A cell of another section was deleted. One that was put in this generation costs nothing.
    pub(crate) fn delete_cell(&mut self, key: Box<[u8]>) {
        if planted::is(Bug::CheckpointForgets) {
            return;
        }
        match self.cells.remove(&key) {
            Some(Some(value)) => self.bytes -= key.len() + value.len(),
            _ => {
                self.bytes += key.len();
                self.cells.insert(key, None);
            }
        }
    }

    /// A cell of another section was deleted whose key may have been used before.
    pub(crate) fn erase_cell(&mut self, key: Box<[u8]>) {
        if let Some(Some(value)) = self.cells.get(&key) {
            self.bytes -= key.len() + value.len();
        }
        self.bytes += key.len();
        self.cells.insert(key, None);
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

    /// The generation under way.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Ends the generation with the record at `position`; `rows` are the partition's own rows as of it.
    pub(crate) fn take(&mut self, partition: PartitionId, position: Position, rows: Vec<Cell>) {
        let states = std::mem::take(&mut self.states);
        let mut cells: Vec<_> = std::mem::take(&mut self.cells).into_iter().collect();
        cells.extend(rows);
        let checkpoint = Checkpoint { partition, position, states, cells };
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
        if let Some((generation, _, _)) = written {
            self.stored = generation;
        }
        written.is_some()
    }
}

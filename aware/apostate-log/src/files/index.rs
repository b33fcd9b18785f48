//! The index in memory: for every partition where each record stands, and what is wrong.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::disk::DiskFile;
use super::format::{Location, record_hash};
use crate::sync::lock;
use crate::{LogError, PartitionId, Position};

/// A segment file, open for as long as a record in it may be read.
#[derive(Debug)]
pub(super) struct SegmentFile {
    pub(super) number: u64,
    pub(super) file: DiskFile,
}

/// A segment that holds records.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiveSegment {
    pub(super) number: u64,
    pub(super) length: u64,
}

/// Where one record stands.
#[derive(Clone, Debug)]
pub(super) struct RecordPlace {
    pub(super) segment: Arc<SegmentFile>,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) hash: u64,
}

/// Why a partition is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) position: Position,
    pub(super) detail: String,
}

/// One partition: the records from `first` on.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) first: Position,
    pub(super) places: VecDeque<RecordPlace>,
    pub(super) damage: Option<Damage>,
    /// The partition is stopped, and its file `stopped-<id>.seg` says so: the log need not keep it any more.
    pub(super) is_aside: bool,
    /// The handle that wrote the last record.
    pub(super) writer: u64,
}

/// All partitions, and the state of the engine that handles read.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) partitions: BTreeMap<PartitionId, Indexed>,
    pub(super) poisoned: Option<String>,
    /// Everything before this place is synced.
    pub(super) synced: Location,
    /// The segments in use, oldest first.
    pub(super) lengths: Vec<LiveSegment>,
    /// Groups that were written since the opening.
    pub(super) groups: u64,
    /// How many handles were given out.
    pub(super) handles: u64,
}

/// The index as the writer, the handles and the engine share it. Keeps the folder locked as long as one of them lives.
pub(super) struct SharedIndex {
    index: Mutex<Index>,
    _lock: File,
}

impl SharedIndex {
    pub(super) fn new(index: Index, lock: File) -> Self {
        Self { index: Mutex::new(index), _lock: lock }
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }
}

impl Indexed {
    /// A partition whose records up to `last` are gone, or that has none yet.
    pub(super) fn after(last: Position) -> Self {
        Self { first: last.next(), places: VecDeque::new(), damage: None, is_aside: false, writer: 0 }
    }

    pub(super) fn last(&self) -> Position {
        Position(self.first.0 + self.places.len() as u64 - 1)
    }

    pub(super) fn at(&self, position: Position) -> Option<&RecordPlace> {
        self.places.get(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)
    }

    pub(super) fn trim(&mut self, before: Position) {
        while self.first < before && self.places.pop_front().is_some() {
            self.first = self.first.next();
        }
    }

    pub(super) fn check(&self, partition: PartitionId) -> Result<(), LogError> {
        match self.damage.clone() {
            None => Ok(()),
            Some(Damage { position, detail }) => Err(LogError::Damaged { partition, position, detail }),
        }
    }
}

impl Index {
    pub(super) fn partition(&mut self, partition: PartitionId) -> &mut Indexed {
        self.partitions.entry(partition).or_insert_with(|| Indexed::after(Position(0)))
    }

    /// The oldest segment that a partition still needs. One that is stopped needs its own until they are copied aside.
    pub(super) fn oldest_needed(&self) -> Option<u64> {
        self.partitions.values().filter_map(|indexed| indexed.places.front()).map(|place| place.segment.number).min()
    }
}

/// Reads one record and verifies it.
pub(super) fn read_place(place: &RecordPlace) -> Result<Bytes, String> {
    let RecordPlace { segment, offset, length, hash } = place;
    let at = format_args!("{:010}.seg at {offset}", segment.number).to_string();
    let bytes = segment.file.read_at(*length as usize, *offset).map_err(|error| format!("{error} ({at})"))?;
    if record_hash(&bytes) == *hash {
        Ok(Bytes::from(bytes))
    } else {
        Err(format!("it does not match its checksum ({at})"))
    }
}

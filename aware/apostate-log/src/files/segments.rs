//! The segments in use: the one that is written to, and those before it that are still needed.
//!
//! An engine that finds the disk full when it opens has no segment to write to, and goes on without: what is there can be
//! read, and whatever is appended is answered *Full* until there is room.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IoSlice};
use std::sync::Arc;

use super::disk::{Disk, DiskFailure, DiskFile};
use super::format::{ALIGN, Location, SegmentHeader};
use super::index::{LiveSegment, SegmentFile};
use super::spares::Spares;
use crate::failpoint::failpoint;

/// Where groups go.
pub(super) struct Current {
    pub(super) file: Arc<SegmentFile>,
    pub(super) seed: u64,
    /// Where the next group begins.
    pub(super) offset: u64,
    pub(super) length: u64,
}

pub(super) struct Segments {
    disk: Disk,
    spares: Spares,
    /// Those before the current one, oldest first.
    older: VecDeque<LiveSegment>,
    flawed: BTreeSet<u64>,
    /// None as long as there was no room for one.
    pub(super) current: Option<Current>,
    /// The log's end that the first one continues.
    continues: Continues,
    segment_bytes: u64,
    /// Which log they belong to.
    log: u64,
}

/// The log's end that a new segment continues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Continues {
    pub(super) number: u64,
    pub(super) sequence: u64,
    pub(super) previous_end: u64,
}

impl Current {
    pub(super) fn at(&self) -> Location {
        Location { segment: self.file.number, offset: self.offset }
    }
}

impl Segments {
    pub(super) fn start(
        disk: Disk,
        mut spares: Spares,
        segment_bytes: u64,
        older: VecDeque<LiveSegment>,
        flawed: BTreeSet<u64>,
        log: u64,
        continues: Continues,
    ) -> io::Result<Self> {
        let current = match create(&disk, &mut spares, segment_bytes, log, continues) {
            Ok(current) => Some(current),
            // There is a log to read; a new one that cannot even begin is of no use.
            Err(DiskFailure::Full) if !older.is_empty() => None,
            Err(failure) => return Err(failure.into_error()),
        };
        Ok(Self { disk, spares, older, flawed, current, continues, segment_bytes, log })
    }

    /// Room for a group of `bytes`, in the current segment or in a new one. True: in a new one.
    pub(super) fn make_room(&mut self, bytes: u64, sequence: u64) -> Result<bool, DiskFailure> {
        let continues = match &self.current {
            Some(current) if current.offset + bytes <= current.length => return Ok(false),
            Some(current) => Continues { number: current.file.number + 1, sequence, previous_end: current.offset },
            None => self.continues,
        };
        let length = self.segment_bytes.max(ALIGN + bytes);
        let next = create(&self.disk, &mut self.spares, length, self.log, continues)?;
        if let Some(full) = self.current.replace(next) {
            self.older.push_back(LiveSegment { number: full.file.number, length: full.length });
        }
        Ok(true)
    }

    /// Sees to it that the next segment will be there when it is needed: when this one is half full, not before.
    pub(super) fn prepare_next(&mut self) {
        if self.current.as_ref().is_some_and(|current| current.offset > current.length / 2) {
            self.spares.ask();
        }
    }

    /// Frees the segments before `needed`, or all before the current one; none as long as that has no group, for its first one
    /// says the last positions of partitions whose records are all trimmed.
    pub(super) fn free_before(&mut self, needed: Option<u64>) -> io::Result<()> {
        if self.current.as_ref().is_none_or(|current| current.offset == ALIGN) {
            return Ok(());
        }
        while let Some(oldest) = self.older.front().copied() {
            if needed.is_some_and(|needed| oldest.number >= needed) {
                return Ok(());
            }
            failpoint("files.trim-begun");
            let name = segment_name(oldest.number);
            let mut spare = None;
            if self.flawed.contains(&oldest.number) {
                let kept = self.disk.rename(&name, &format!("{:010}.flawed", oldest.number));
                // What is flawed about it may be that it is not there.
                kept.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
            } else {
                spare = self.spares.retire(&name, oldest.length)?;
            }
            // Before the next one goes, and before it is written over: the log must never have a gap.
            self.disk.sync_dir()?;
            self.older.pop_front();
            if let Some(spare) = spare {
                self.spares.keep(spare);
            }
            failpoint("files.trimmed");
        }
        Ok(())
    }

    /// An older segment was cut.
    pub(super) fn set_length(&mut self, number: u64, length: u64) {
        self.older.iter_mut().filter(|live| live.number == number).for_each(|live| live.length = length);
    }

    pub(super) fn lengths(&self) -> Vec<LiveSegment> {
        let current = self.current.as_ref();
        let current = current.map(|current| LiveSegment { number: current.file.number, length: current.offset });
        self.older.iter().copied().chain(current).collect()
    }
}

pub(super) fn segment_name(number: u64) -> String {
    format!("{number:010}.seg")
}

/// The number in the name of a segment file.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Makes a segment: its header is durable before its name is.
fn create(
    disk: &Disk,
    spares: &mut Spares,
    bytes: u64,
    log: u64,
    continues: Continues,
) -> Result<Current, DiskFailure> {
    let spare = spares.take(bytes)?;
    let named = name_segment(disk, &spare, log, continues);
    if let Err(DiskFailure::Full) = named {
        spares.give_back(spare, bytes);
    }
    named
}

fn name_segment(disk: &Disk, spare: &str, log: u64, continues: Continues) -> Result<Current, DiskFailure> {
    let Continues { number, sequence, previous_end } = continues;
    let file: DiskFile = disk.open(spare).map_err(DiskFailure::Other)?;
    let length = file.length().map_err(DiskFailure::Other)?;
    let seed = random();
    let header = SegmentHeader { number, seed, sequence, previous_end, bytes: length, log }.encode();
    file.write_all_at(&mut [IoSlice::new(&header)], 0).map_err(DiskFailure::of_write)?;
    file.sync().map_err(DiskFailure::Other)?;
    disk.rename(spare, &segment_name(number)).map_err(DiskFailure::of_write)?;
    failpoint("files.segment-named");
    disk.sync_dir().map_err(DiskFailure::Other)?;
    failpoint("files.segment-durable");
    Ok(Current { file: Arc::new(SegmentFile { number, file }), seed, offset: ALIGN, length })
}

/// An unpredictable number: a segment's seed must not repeat. No entity sees it.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

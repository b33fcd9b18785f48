//! The segments in use: the one that is written to, and those before it that are still needed.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IoSlice};
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::format::{ALIGN, Location, SegmentHeader};
use super::index::SegmentFile;
use super::spares::Spares;
use crate::failpoint::failpoint;

/// A segment that holds records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) number: u64,
    pub(super) length: u64,
}

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
    older: VecDeque<Live>,
    flawed: BTreeSet<u64>,
    pub(super) current: Current,
    segment_bytes: u64,
}

/// What a new segment continues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Continues {
    pub(super) number: u64,
    pub(super) sequence: u64,
    pub(super) previous_end: u64,
}

impl Segments {
    pub(super) fn start(
        disk: Disk,
        mut spares: Spares,
        segment_bytes: u64,
        older: VecDeque<Live>,
        flawed: BTreeSet<u64>,
        continues: Continues,
    ) -> io::Result<Self> {
        let current = create(&disk, &mut spares, segment_bytes, continues)?;
        Ok(Self { disk, spares, older, flawed, current, segment_bytes })
    }

    /// Room for a group of `bytes`, in the current segment or in a new one. True: in a new one.
    pub(super) fn make_room(&mut self, bytes: u64, sequence: u64) -> io::Result<bool> {
        if self.current.offset + bytes <= self.current.length {
            return Ok(false);
        }
        let continues = Continues { number: self.current.file.number + 1, sequence, previous_end: self.current.offset };
        let next = create(&self.disk, &mut self.spares, self.segment_bytes.max(ALIGN + bytes), continues)?;
        let full = std::mem::replace(&mut self.current, next);
        self.older.push_back(Live { number: full.file.number, length: full.length });
        Ok(true)
    }

    /// Sees to it that the next segment will be there when it is needed: when this one is half full, not before.
    pub(super) fn prepare_next(&mut self) {
        if self.current.offset > self.current.length / 2 {
            self.spares.ask();
        }
    }

    pub(super) fn at(&self) -> Location {
        Location { segment: self.current.file.number, offset: self.current.offset }
    }

    /// Frees the segments before `needed`, or all before the current one.
    pub(super) fn free_before(&mut self, needed: Option<u64>) -> io::Result<()> {
        while let Some(oldest) = self.older.front().copied() {
            if needed.is_some_and(|needed| oldest.number >= needed) {
                return Ok(());
            }
            failpoint("files.trim-begun");
            let name = segment_name(oldest.number);
            if self.flawed.contains(&oldest.number) {
                let kept = self.disk.rename(&name, &format!("{:010}.flawed", oldest.number));
                // What is flawed about it may be that it is not there.
                kept.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
            } else {
                self.spares.put(&name, oldest.length)?;
            }
            // Before the next one goes, and before it is written over: the log must never have a gap.
            self.disk.sync_dir()?;
            self.older.pop_front();
            failpoint("files.trimmed");
        }
        Ok(())
    }

    pub(super) fn lengths(&self) -> Vec<Live> {
        let current = Live { number: self.current.file.number, length: self.current.offset };
        self.older.iter().copied().chain([current]).collect()
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
fn create(disk: &Disk, spares: &mut Spares, bytes: u64, continues: Continues) -> io::Result<Current> {
    let spare = spares.take(bytes)?;
    match name_segment(disk, &spare, continues) {
        Ok(current) => Ok(current),
        Err(error) => {
            spares.give_back(spare, bytes);
            Err(error)
        }
    }
}

fn name_segment(disk: &Disk, spare: &str, continues: Continues) -> io::Result<Current> {
    let Continues { number, sequence, previous_end } = continues;
    let file: DiskFile = disk.open(spare)?;
    let length = file.length()?;
    let seed = random();
    let header = SegmentHeader { number, seed, sequence, previous_end }.encode();
    file.write_all_at(&mut [IoSlice::new(&header)], 0)?;
    file.sync()?;
    disk.rename(spare, &segment_name(number))?;
    failpoint("files.segment-named");
    disk.sync_dir()?;
    failpoint("files.segment-durable");
    Ok(Current { file: Arc::new(SegmentFile { number, file }), seed, offset: ALIGN, length })
}

/// A number that nobody can guess, and that decides nothing that an entity could see.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

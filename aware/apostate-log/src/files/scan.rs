//! Reads segments back: which groups are there, and where something is wrong.
//!
//! This file only reads; what follows from it is decided in `recover`.

use super::format::{ALIGN, Entry, Group, Location, SegmentHeader, record_hash};

/// The contents of one segment.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) number: u64,
    pub(super) found: Vec<Found>,
    /// Behind the last group that was found.
    pub(super) end: u64,
    /// The file is shorter than it was made: the contents of the rest are unknown.
    pub(super) is_cut_short: bool,
}

/// One thing found in a segment, in order of offset.
#[derive(Debug)]
pub(super) enum Found {
    /// A group, and the entries whose records do not match their checksums.
    Group { group: Group, damaged: Vec<usize> },
    /// Bytes that are no group, between two that are or before the end that the next segment names.
    Hole { from: u64 },
}

impl Found {
    pub(super) fn offset(&self) -> u64 {
        match self {
            Self::Group { group, .. } => group.header.at.offset,
            Self::Hole { from } => *from,
        }
    }
}

/// Reads all groups of a segment. `end` is where the next segment says that this one ends; it may be cut to that.
pub(super) fn scan(header: &SegmentHeader, bytes: &[u8], end: Option<u64>) -> Scanned {
    let number = header.number;
    let limit = end.unwrap_or(bytes.len() as u64);
    let is_cut_short = end.is_none() && (bytes.len() as u64) < header.bytes;
    let mut scanned = Scanned { number, found: Vec::new(), end: ALIGN, is_cut_short };
    while scanned.end < limit {
        let at = scanned.end;
        let group = Group::decode(bytes, header.seed, Location { segment: number, offset: at });
        if let Some(group) = group.filter(|group| group.end() <= limit || end.is_none()) {
            scanned.end = group.end();
            let damaged = damaged_records(&group, bytes);
            scanned.found.push(Found::Group { group, damaged });
            continue;
        }
        // Something is wrong here, unless nothing follows.
        let next = (at + ALIGN..limit).step_by(usize::try_from(ALIGN).unwrap_or(1)).find(|&offset| {
            Group::decode(bytes, header.seed, Location { segment: number, offset })
                .is_some_and(|group| group.end() <= limit || end.is_none())
        });
        match (next, end) {
            (Some(next), _) => scanned.end = next,
            (None, Some(end)) => scanned.end = end,
            (None, None) => break,
        }
        scanned.found.push(Found::Hole { from: at });
    }
    scanned
}

fn damaged_records(group: &Group, bytes: &[u8]) -> Vec<usize> {
    let mut at = usize::try_from(group.records_at()).unwrap_or(usize::MAX);
    let mut damaged = Vec::new();
    for (number, entry) in group.entries.iter().enumerate() {
        let Entry::Record { length, hash, .. } = *entry else { continue };
        let end = at.saturating_add(length as usize);
        if bytes.get(at..end).is_none_or(|record| record_hash(record) != hash) {
            damaged.push(number);
        }
        at = end;
    }
    damaged
}

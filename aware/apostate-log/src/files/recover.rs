//! The rules of opening: what counts, what is a torn tail, and what is damage.
//!
//! ```text
//!                                   highest synced mark           end
//!   group  group  group  group  group │ group  group  ~~~~~  group │
//!   └──────── must be whole ─────────┘ └─ kept ─────┘ └─ torn: cut ┘
//! ```
//!
//! A flaw before the highest synced mark is damage: that was acknowledged. It stops the partitions that may have
//! lost a record by it. A flaw behind it is what a power cut leaves of writes that were not acknowledged: it and all
//! that follows is cut, whole or not.
//!
//! The partitions that a flaw concerns: positions are dense, and rolls tell last positions. A partition whose next record or
//! roll behind the flaw goes on where it stood before has lost nothing; nor has one whose checkpoint covers what is
//! missing. One that is not heard of any more cannot be told from one that lost its end, and is stopped. So is
//! one that is expected and was never heard of, unless a roll behind the flaw leaves it out: that names all there are. One that is gone,
//! since others go on for it, is not missed, and nothing that is found of it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::format::{ALIGN, Entry, Group, Location};
use super::index::{Damage, Index, Indexed, RecordPlace, SegmentFile};
use super::scan::{Found, Scanned};
use crate::{PartitionId, Position};

/// One number of the log's sequence of segments.
pub(super) enum Piece {
    /// The segment, as it was found.
    Segment { file: Arc<SegmentFile>, scanned: Scanned },
    /// The segment's file is missing, or its header unreadable: its contents are unknown.
    Gap { number: u64 },
}

/// The facts that are known before the groups are read.
pub(super) struct Known<'a> {
    /// Positions that must be there.
    pub(super) expected: &'a BTreeMap<PartitionId, Position>,
    /// Up to where the log must reach: the caller's mark, or what a segment says of the one before it.
    pub(super) mark: Location,
    /// Those below that are not expected are gone.
    pub(super) gone_below: PartitionId,
    /// Partitions that were stopped at an earlier opening.
    pub(super) stopped: BTreeMap<PartitionId, Damage>,
}

/// The result of opening.
pub(super) struct Recovered {
    pub(super) index: Index,
    /// Where the log ends; what is behind it is cut.
    pub(super) end: Location,
    /// Everything before this place was synced by those who wrote it; what stands between it and the end may never
    /// have been.
    pub(super) mark: Location,
    /// The number of the next group.
    pub(super) sequence: u64,
    /// Segments with a flaw before the mark: kept for examination.
    pub(super) flawed: BTreeSet<u64>,
}

/// Applies the rules to the log, from its oldest segment to its last.
pub(super) fn recover(pieces: &[Piece], known: Known<'_>) -> Recovered {
    let mut walk = Walk::new(&known);
    for found in pieces.iter().flat_map(Piece::found) {
        if let Found::Group { group, .. } = found {
            walk.mark = walk.mark.max(group.header.synced);
        }
    }
    for piece in pieces {
        match piece {
            Piece::Gap { number } => walk.gap(*number),
            Piece::Segment { file, scanned } => {
                if !walk.segment(file, scanned) {
                    break;
                }
            }
        }
    }
    walk.finish(known.stopped)
}

impl Piece {
    pub(super) fn found(&self) -> &[Found] {
        match self {
            Self::Segment { scanned, .. } => &scanned.found,
            Self::Gap { .. } => &[],
        }
    }
}

/// Goes through the log from its oldest group to its end.
struct Walk<'a> {
    expected: &'a BTreeMap<PartitionId, Position>,
    gone_below: PartitionId,
    mark: Location,
    index: Index,
    end: Location,
    /// The number of the group that must follow; unknown at first, and behind a flaw.
    sequence: Option<u64>,
    flawed: BTreeSet<u64>,
    /// Partitions that have not been heard of since a flaw, and the flaw.
    suspects: BTreeMap<PartitionId, Location>,
    /// The last flaw: a partition that was not known before it may have been there.
    flaw: Option<Location>,
    /// The first flaw that no roll has followed yet.
    unrolled: Option<Location>,
    /// Nothing was taken in yet: what comes first tells where partitions stand.
    is_beginning: bool,
    /// The log begins with a flaw: what was before it may have been trimmed or lost.
    is_headless: bool,
}

impl<'a> Walk<'a> {
    fn new(known: &Known<'a>) -> Self {
        Self {
            expected: known.expected,
            gone_below: known.gone_below,
            mark: known.mark,
            index: Index::default(),
            end: Location::default(),
            sequence: None,
            flawed: BTreeSet::new(),
            suspects: BTreeMap::new(),
            flaw: None,
            unrolled: None,
            is_beginning: true,
            is_headless: false,
        }
    }

    fn gap(&mut self, number: u64) {
        self.end = Location { segment: number, offset: 0 };
        self.take_flaw(self.end);
    }

    /// Takes one segment in. False: the log ends in it.
    fn segment(&mut self, file: &Arc<SegmentFile>, scanned: &Scanned) -> bool {
        let has_groups = scanned.found.iter().any(|found| matches!(found, Found::Group { .. }));
        if self.is_beginning && scanned.number > 1 && !has_groups {
            // Those before it went when its first group was durable: that is lost, and with it all last positions.
            self.take_flaw(Location { segment: scanned.number, offset: ALIGN });
        }
        let goes_on = self.groups(file, scanned);
        if scanned.is_cut_short {
            // What is lost was behind the last group: those that are appended now have the next numbers all the same.
            let sequence = self.sequence;
            self.take_flaw(self.end);
            self.sequence = sequence;
        }
        goes_on
    }

    /// Takes in what was found in a segment. False: the log ends in it.
    fn groups(&mut self, file: &Arc<SegmentFile>, scanned: &Scanned) -> bool {
        let number = scanned.number;
        self.end = Location { segment: number, offset: ALIGN };
        for found in &scanned.found {
            let at = Location { segment: number, offset: found.offset() };
            let is_whole = match found {
                Found::Group { group, damaged } => self.follows(group) && damaged.is_empty(),
                Found::Hole { .. } => false,
            };
            if !is_whole && at >= self.mark {
                self.end = at;
                return false;
            }
            match found {
                Found::Hole { .. } => self.take_flaw(at),
                Found::Group { group, damaged } => {
                    if !self.follows(group) {
                        self.take_flaw(at);
                    }
                    if !damaged.is_empty() {
                        self.flawed.insert(number);
                    }
                    self.group(file, group, damaged);
                }
            }
        }
        self.end = Location { segment: number, offset: scanned.end };
        true
    }

    /// Whether a group is the one after the last that was taken in.
    fn follows(&self, group: &Group) -> bool {
        self.sequence.is_none_or(|sequence| group.header.sequence == sequence)
    }

    fn take_flaw(&mut self, at: Location) {
        self.is_headless |= self.is_beginning;
        self.flaw = Some(at);
        self.unrolled.get_or_insert(at);
        self.flawed.insert(at.segment);
        self.sequence = None;
        for partition in self.index.partitions.keys() {
            self.suspects.entry(*partition).or_insert(at);
        }
    }

    fn group(&mut self, file: &Arc<SegmentFile>, group: &Group, damaged: &[usize]) {
        let is_first = std::mem::replace(&mut self.is_beginning, false);
        self.sequence = Some(group.header.sequence + 1);
        let at = group.header.at;
        let mut offset = group.records_at();
        if at.offset == ALIGN || group.entries.iter().all(|entry| matches!(entry, Entry::Roll { .. })) {
            self.unrolled = None;
        }
        for (number, entry) in group.entries.iter().enumerate() {
            match *entry {
                Entry::Roll { partition, last } => {
                    if is_first && !self.is_headless {
                        self.index.partitions.insert(partition, Indexed::after(last));
                    }
                    self.heard_of(partition, last, at);
                }
                Entry::Record { partition, position, length, hash } => {
                    self.heard_of(partition, Position(position.0.saturating_sub(1)), at);
                    let place = RecordPlace { segment: Arc::clone(file), offset, length, hash };
                    self.record(partition, position, place, damaged.contains(&number), at);
                    offset += u64::from(length);
                }
            }
        }
    }

    fn record(
        &mut self,
        partition: PartitionId,
        position: Position,
        place: RecordPlace,
        is_damaged: bool,
        at: Location,
    ) {
        let due = self.due(partition);
        let indexed = self.index.partition(partition);
        if is_damaged && position <= due && indexed.damage.is_none() {
            // Neither it nor those before it will be read again.
            *indexed = Indexed::after(position);
            return;
        }
        if is_damaged {
            let detail = format!("it does not match its checksum ({at})");
            indexed.damage.get_or_insert(Damage { position, detail });
        }
        if indexed.damage.is_none() {
            indexed.places.push_back(place);
        }
    }

    /// The log says here that `last` is the last position of a partition.
    fn heard_of(&mut self, partition: PartitionId, last: Position, at: Location) {
        let flaw = self.suspects.remove(&partition).or(self.flaw);
        if self.is_headless && !self.index.partitions.contains_key(&partition) {
            // What the flaw may have held of it is in its checkpoint; or else it is lost.
            self.index.partitions.insert(partition, Indexed::after(self.due(partition).min(last)));
        }
        let due = self.due(partition);
        let indexed = self.index.partition(partition);
        if indexed.damage.is_none() && indexed.last() < last && last <= due {
            // What is missing is in its checkpoint.
            *indexed = Indexed::after(last);
        }
        if indexed.damage.is_none() && indexed.last() != last {
            let position = if indexed.last() < last { indexed.last().max(due).next() } else { indexed.last().next() };
            let detail = match flaw {
                Some(flaw) => format!("records up to {last} are lost in {flaw}"),
                None => format!("the log goes on behind {last} ({at})"),
            };
            indexed.damage = Some(Damage { position, detail });
        }
    }

    /// Up to where a partition needs nothing of the log.
    fn due(&self, partition: PartitionId) -> Position {
        self.expected.get(&partition).copied().unwrap_or_default()
    }

    /// Whether others go on for a partition: what is there of it counts for nothing.
    fn is_gone(&self, partition: PartitionId) -> bool {
        partition < self.gone_below && !self.expected.contains_key(&partition)
    }

    fn finish(mut self, mut stopped: BTreeMap<PartitionId, Damage>) -> Recovered {
        let known = self.index.partitions.keys().chain(self.suspects.keys()).chain(stopped.keys());
        let gone: BTreeSet<PartitionId> = known.copied().filter(|partition| self.is_gone(*partition)).collect();
        for partition in &gone {
            self.index.partitions.remove(partition);
            self.suspects.remove(partition);
            stopped.remove(partition);
        }
        for (partition, flaw) in std::mem::take(&mut self.suspects) {
            self.stop(partition, &format!("the log is damaged in {flaw}, and does not tell whose records were there"));
        }
        let expected = self.expected.keys().copied();
        let partitions: BTreeSet<PartitionId> = self.index.partitions.keys().copied().chain(expected).collect();
        for partition in partitions {
            let indexed = self.index.partitions.get(&partition);
            let (is_unheard_of, last) = (indexed.is_none(), indexed.map_or(Position(0), Indexed::last));
            let due = self.due(partition);
            if let Some(flaw) = self.unrolled.filter(|_| is_unheard_of) {
                self.stop(partition, &format!("the log is damaged in {flaw}, and does not tell what was there of it"));
            }
            if last < due {
                self.stop(partition, &format!("the log ends before position {due}, which was durable"));
            }
            if self.end < self.mark {
                self.stop(partition, &format!("the log ends in {}, and was durable up to {}", self.end, self.mark));
            }
        }
        for (partition, damage) in stopped {
            self.index.partition(partition).damage = Some(damage);
        }
        self.index.synced = self.end;
        Recovered {
            index: self.index,
            end: self.end,
            mark: self.mark,
            sequence: self.sequence.unwrap_or(1),
            flawed: self.flawed,
        }
    }

    fn stop(&mut self, partition: PartitionId, detail: &str) {
        let indexed = self.index.partition(partition);
        let position = indexed.last().next();
        indexed.damage.get_or_insert(Damage { position, detail: detail.to_owned() });
    }
}

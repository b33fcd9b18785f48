//! A model of one partition, made of its durable records alone, by other code than the partition's own.
//!
//! The shadow applies every record when it becomes durable. Whatever a partition sends, answers, stores or reads
//! back is held against it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use apostate_core::{Address, EntityKey, Timestamp};
use apostate_log::{PartitionId, Position, Record};
use apostate_partition::cell::{self, PartitionRow, Section};
use apostate_partition::lineage::Seal;
use apostate_partition::record_body::{Body, RecordKind};
use apostate_partition::rectangles::{Area, Origin, Rectangles};
use apostate_partition::{Identity, Message, Range};
use apostate_world::Moment;
use bytes::Bytes;

use crate::engine::WriterId;
use crate::violation::{Check, Violation, ensure};

/// A message that was sent to another partition.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) from: Address,
    pub(crate) to: Address,
}

/// Everything that the durable records of one partition say.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) id: PartitionId,
    pub(crate) range: Range,
    pub(crate) position: Position,
    pub(crate) hash: u64,
    pub(crate) epoch: u64,
    pub(crate) next_number: u64,
    /// Openings of the partitions that it goes on for.
    pub(crate) openings_before: u64,
    /// The partition that it goes on for, with position and hash of the seal of that; none of one of the first map.
    pub(crate) parent: Option<(PartitionId, Position, u64)>,
    /// The last record of the log.
    pub(crate) seal: Option<Seal>,
    /// The next number as of the record before: timers that are set get no lower one.
    pub(crate) next_timer: u64,
    /// The times of the first record and of the newest.
    pub(crate) times: Option<(u64, u64)>,
    /// Every cell but the partition's own rows.
    pub(crate) cells: BTreeMap<Bytes, Bytes>,
    pub(crate) rectangles: Rectangles,
    /// The highest number that was ever applied of each partition, also of one that is forgotten.
    pub(crate) heard: BTreeMap<PartitionId, u64>,
    /// Rows that say the newest generation of a sender.
    pub(crate) generations: BTreeMap<Range, Bytes>,
    /// The highest number that was ever applied of each producer, also of one that is forgotten.
    pub(crate) produced: BTreeMap<EntityKey, u64>,
    /// The highest version that any deleted entity had.
    pub(crate) deleted: u64,
    /// The same, before the newest record.
    pub(crate) deleted_before: u64,
    /// Outgoing messages that were not acknowledged.
    pub(crate) outgoing: BTreeMap<Identity, Sent>,
    /// A hash of every message that was ever sent.
    pub(crate) ever_sent: BTreeMap<Identity, u64>,
    /// Outgoing messages that the newest record has trimmed.
    pub(crate) forgotten: Vec<(Identity, Sent)>,
    pub(crate) writers: BTreeMap<u64, WriterId>,
    /// Messages in inboxes.
    pub(crate) inbox: usize,
    /// Messages parked.
    pub(crate) parked: usize,
    /// Keys of inbox, parked and ask cells that were ever there: each is used once.
    pub(crate) fresh: BTreeSet<Bytes>,
    /// Messages that were dismissed, by the cells that they were parked in.
    pub(crate) dismissed: BTreeMap<Bytes, Bytes>,
}

/// One cell that a record has put or deleted.
pub(crate) struct Changed {
    pub(crate) key: Bytes,
    pub(crate) section: Section,
    pub(crate) address: Address,
    pub(crate) before: Option<Bytes>,
    pub(crate) after: Option<Bytes>,
}

impl Shadow {
    pub(crate) fn new(id: PartitionId, range: Range) -> Self {
        Self {
            id,
            range,
            position: Position(0),
            hash: 0,
            epoch: 0,
            openings_before: 0,
            parent: None,
            seal: None,
            next_number: 1,
            next_timer: 1,
            times: None,
            cells: BTreeMap::new(),
            rectangles: Rectangles::default(),
            heard: BTreeMap::new(),
            generations: BTreeMap::new(),
            produced: BTreeMap::new(),
            deleted: 0,
            deleted_before: 0,
            outgoing: BTreeMap::new(),
            ever_sent: BTreeMap::new(),
            forgotten: Vec::new(),
            writers: BTreeMap::new(),
            inbox: 0,
            parked: 0,
            fresh: BTreeSet::new(),
            dismissed: BTreeMap::new(),
        }
    }

    /// A record has become durable. Gives what it changed, and in [`Shadow::forgotten`] the messages that it trimmed.
    ///
    /// Invariant P1: one writer an epoch, and epochs never go back. Invariant P2: every cell lies in the range.
    pub(crate) fn apply(&mut self, writer: WriterId, bytes: &Bytes) -> Result<Vec<Changed>, Violation> {
        let record = Record::read(bytes).map_err(|error| Violation::new("P6", format!("a durable record: {error}")))?;
        let header = record.header;
        let (id, position) = (self.id, header.position);
        ensure!(header.partition == id, "P1", "partition {id} has a record of partition {}", header.partition);
        ensure!(position == self.position.next(), "P6", "partition {id}: record {position} after {}", self.position);
        ensure!(header.previous == self.hash, "P1", "partition {id}, record {position} was made for another one");
        ensure!(header.epoch.0 >= self.epoch, "P1", "partition {id}: epoch {} after {}", header.epoch, self.epoch);
        let owner = *self.writers.entry(header.epoch.0).or_insert(writer);
        ensure!(owner == writer, "P1", "partition {id}: two writers in epoch {}", header.epoch);
        let body = Body::read(record.body).map_err(|error| Violation::new("P4", error.to_string()))?;
        let opens = header.epoch.0 > self.epoch;
        let is_genesis = body.kind == RecordKind::Genesis;
        ensure!(
            opens == (body.kind == RecordKind::Opening || is_genesis),
            "P1",
            "partition {id}: epoch {} opens",
            header.epoch
        );
        let goes_on = self.parent.is_some() && position == Position(1);
        ensure!(is_genesis == goes_on, "P3", "partition {id}: record {position} is a {:?}", body.kind);
        ensure!(self.seal.is_none(), "P1", "partition {id} goes on behind its seal");
        ensure!(body.next_number >= self.next_number, "E1", "partition {id}: numbers go back");
        self.position = position;
        self.hash = record.hash;
        self.epoch = header.epoch.0;
        self.next_number = body.next_number;
        let (first, last) = self.times.unwrap_or((header.time, header.time));
        ensure!(header.time >= last, "time", "partition {id}: time {} after {last}", header.time);
        self.times = Some((first, header.time));
        self.forgotten.clear();
        self.deleted_before = self.deleted;
        let (mut changes, mut rows) = (Vec::new(), BTreeMap::new());
        for cell in body.cells() {
            let (key, value) = cell.map_err(|error| Violation::new("P4", error.to_string()))?;
            let key = bytes.slice_ref(key);
            let value = value.map(|value| bytes.slice_ref(value));
            if cell::section_of(&key) == Ok(Section::Own) && is_genesis {
                match value {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(&key),
                };
            } else if cell::section_of(&key) == Ok(Section::Own) {
                self.apply_row(&key, value.as_ref())?;
            } else {
                changes.push(self.apply_cell(key, value)?);
            }
        }
        if is_genesis {
            self.check_genesis(&rows)?;
        }
        ensure!(
            self.seal.is_some() == (body.kind == RecordKind::Seal),
            "P1",
            "partition {id}: record {position} is a {:?}",
            body.kind
        );
        self.note_dismissed(&changes)?;
        Ok(changes)
    }

    /// Time of the newest durable record.
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp(self.times.map_or(0, |(_, last)| last))
    }

    /// Openings so far, also of the partitions that it goes on for.
    pub(crate) fn openings(&self) -> u64 {
        self.openings_before + self.epoch
    }

    /// Partition time goes on by twice the time that really passed at most, and at each opening by `gap_max` besides: whatever is done
    /// to the clocks, it does not run away.
    pub(crate) fn check_time(&self, now: Moment, gap_max: Duration) -> Check {
        let Some((first, last)) = self.times else { return Ok(()) };
        let gaps = u32::try_from(self.openings()).ok().and_then(|openings| gap_max.checked_mul(openings));
        let most = Timestamp(first).after(Duration::from_micros(2 * now)).after(gaps.unwrap_or(Duration::MAX));
        ensure!(last <= most.0, "time", "partition {}: time runs away: {last} is beyond {}", self.id, most.0);
        Ok(())
    }

    /// A parked message that is not parked any more was retried if it comes into an inbox next, and else dismissed.
    fn note_dismissed(&mut self, changes: &[Changed]) -> Check {
        for (at, change) in changes.iter().enumerate() {
            let (Section::Parked, Some(parked), None) = (change.section, &change.before, &change.after) else {
                continue;
            };
            let message =
                parked_message(parked).ok_or_else(|| Violation::new("P4", "a parked message does not read"))?;
            let is_retried = |next: &Changed| next.section == Section::Inbox && next.after.as_ref() == Some(&message);
            if !changes.get(at + 1).is_some_and(is_retried) {
                self.dismissed.insert(change.key.clone(), message);
            }
        }
        Ok(())
    }

    fn apply_row(&mut self, key: &[u8], value: Option<&Bytes>) -> Check {
        let row = cell::read_partition_row(self.id, key).map_err(|error| Violation::new("P4", error.to_string()))?;
        if let PartitionRow::Rectangle(origin, area) = row.clone() {
            let number = value.and_then(|value| Some(u64::from_le_bytes(value[..].try_into().ok()?)));
            if let Some(number) = number {
                self.check_rise(&origin, area, number)?;
                match &origin {
                    Origin::Producer(name) => drop(self.produced.insert(name.clone(), number)),
                    Origin::Partition(id) => {
                        let heard = self.heard.entry(*id).or_default();
                        *heard = number.max(*heard);
                    }
                }
            }
            self.rectangles.restore(origin, area, number);
        }
        if let PartitionRow::Generation(range) = row {
            match value {
                Some(value) => self.generations.insert(range, value.clone()),
                None => self.generations.remove(&range),
            };
        }
        if row == PartitionRow::Seal {
            let seal = value.map(|value| Seal::read(value)).transpose();
            self.seal = seal.map_err(|error| Violation::new("P4", error.to_string()))?;
        }
        if row == PartitionRow::DeletedVersion {
            let version = value.and_then(|value| Some(u64::from_le_bytes(value[..].try_into().ok()?)));
            let (id, before) = (self.id, self.deleted);
            self.deleted = version.ok_or_else(|| Violation::new("P4", "the row of the deleted"))?;
            ensure!(
                self.deleted > before,
                "E3",
                "partition {id}: version {before} of the deleted sinks to {}",
                self.deleted
            );
        }
        Ok(())
    }

    /// Invariant E1: a watermark never sinks.
    fn check_rise(&self, origin: &Origin, area: Area, number: u64) -> Check {
        let corners = [(area.source.first, area.target.first), (area.source.last, area.target.last)];
        for (source, target) in corners {
            let before = self.rectangles.applied(origin, source, target);
            ensure!(before <= number, "E1", "partition {}: watermark of {origin:?} sinks to {number}", self.id);
        }
        Ok(())
    }

    fn apply_cell(&mut self, key: Bytes, value: Option<Bytes>) -> Result<Changed, Violation> {
        let cell = cell::read_key(&key).map_err(|error| Violation::new("P4", error.to_string()))?;
        let (section, address, sub) = (cell.section, cell.address, cell.sub);
        ensure!(self.range.contains(address.hash()), "P2", "{address:?} is not in partition {}", self.id);
        if section == Section::Outgoing {
            self.apply_outgoing(sub, value.as_deref())?;
        }
        if matches!(
            section,
            Section::Inbox
                | Section::Parked
                | Section::Asks
                | Section::Agreements
                | Section::Operations
                | Section::Owed
                | Section::Settlements
        ) && value.is_some()
        {
            ensure!(self.fresh.insert(key.clone()), "E1", "{section:?} of {address:?}: a number is used again");
        }
        let after = value.clone();
        let changed = key.clone();
        let before = match value {
            Some(value) => self.cells.insert(key, value),
            None => self.cells.remove(&key),
        };
        let count = match section {
            Section::Inbox => Some(&mut self.inbox),
            Section::Parked => Some(&mut self.parked),
            _ => None,
        };
        if let Some(count) = count {
            *count += usize::from(after.is_some());
            *count -= usize::from(before.is_some());
        }
        Ok(Changed { key: changed, section, address, before, after })
    }

    fn apply_outgoing(&mut self, sub: &[u8], value: Option<&[u8]>) -> Check {
        let stands = outgoing_identity(sub)?;
        let Some(value) = value else {
            let sent = self.outgoing.remove(&stands);
            let sent = sent.ok_or_else(|| Violation::new("E1", format!("{stands:?} is trimmed and was not there")))?;
            self.forgotten.push((stands, sent));
            return Ok(());
        };
        let (message, identity, _) =
            Message::read(value).map_err(|error| Violation::new("P4", format!("an outgoing cell: {error}")))?;
        ensure!(identity == stands, "E1", "message {identity:?} stands under {stands:?}");
        ensure!(identity.origin == self.id, "E1", "partition {} sends a message of another origin", self.id);
        let from = message.from.ok_or_else(|| Violation::new("E2", "a message to another partition without sender"))?;
        let hash = xxhash_rust::xxh3::xxh3_64(value);
        let before = self.ever_sent.insert(identity, hash);
        ensure!(before.is_none(), "E1", "partition {} has used {identity:?} before", self.id);
        self.outgoing.insert(identity, Sent { from, to: message.to });
        Ok(())
    }

    /// A cell of an entity.
    pub(crate) fn cell(&self, section: Section, address: &Address) -> Option<&Bytes> {
        self.cells.get(&cell::key(section, address, &[])[..])
    }

    /// The version of an entity; none if there is none.
    pub(crate) fn version(&self, address: &Address) -> Option<u64> {
        self.cell(Section::State, address).map(|value| version_of(value))
    }

    /// Every cell of one section.
    pub(crate) fn section(&self, section: Section) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        let (from, to) = ([section as u8], [section as u8 + 1]);
        self.cells.range::<[u8], _>((Bound::Included(&from[..]), Bound::Excluded(&to[..])))
    }
}

/// The place of a cell on the ring; none of a row.
pub(crate) fn place_of(key: &[u8]) -> Option<u64> {
    let is_own = matches!(cell::section_of(key), Ok(Section::Own | Section::Host));
    (!is_own).then(|| cell::hash_of(key))
}

/// The message in the cell of one that is parked: behind when it was, and why.
fn parked_message(value: &Bytes) -> Option<Bytes> {
    let length = u32::from_le_bytes(value.get(8..12)?.try_into().ok()?) as usize;
    (12 + length <= value.len()).then(|| value.slice(12 + length..))
}

/// The identity in the sub-key of an outgoing message.
pub(crate) fn outgoing_identity(sub: &[u8]) -> Result<Identity, Violation> {
    let (origin, number) = sub.split_first_chunk().ok_or_else(|| Violation::new("P4", "an outgoing key"))?;
    let number = number.try_into().map_err(|_| Violation::new("P4", "an outgoing key"))?;
    Ok(Identity { origin: PartitionId(u64::from_be_bytes(*origin)), number: u64::from_be_bytes(number) })
}

/// The version in a state cell.
pub(crate) fn version_of(value: &[u8]) -> u64 {
    // Its lowest bit says something else.
    value.first_chunk().map_or(0, |version| u64::from_le_bytes(*version) >> 1)
}

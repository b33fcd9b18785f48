//! Everything is a cell: this file knows the key of every one of them.
//!
//! ```text
//!   section ┼ kind (4) ┼ hash (8) ┼ entity key … 00 00 ┼ sub-key …        an entity's cell
//!      0    ┼ partition (8) ┼ row …                                       a row of the partition's own
//!     255   ┼ name …                                                      a row of the host's own
//! ```
//!
//! Integers are big-endian, and a zero byte of an entity key is written `00 01`, so cells are ordered by section,
//! kind, hash, key and sub-key. A partition is the same hash interval in every (section, kind); keys hold no
//! partition, so a split or a merge moves no cell.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts`; compared cell by cell in `sim/apostate-sim/src/check/shadow.rs`.

use apostate_core::{Address, EntityKey, KindId, written_key_bytes};
use apostate_log::PartitionId;

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format};
use crate::range::Range;
use crate::rectangles::{Area, Origin};

/// The kind of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Section {
    /// Rows of a partition's own: counters, watermarks, generations, producers.
    Own = 0,
    /// An entity's version and state. Sub-key: none.
    State = 1,
    /// An activity: what an entity remembers about a partner. Sub-key: life (8), partner; none for the life itself.
    Activities = 3,
    /// The answer that a client key got. Sub-key: the client key.
    ClientKeys = 4,
    /// A message that an entity sends later. Sub-key: what knows it, and its number or name.
    Timers = 5,
    /// Accepted, not handled. Sub-key: the number that gives the order.
    Inbox = 6,
    /// Sent, not acknowledged, under the sender. Sub-key: origin, number.
    Outgoing = 7,
    /// Given up on until an operator decides. Sub-key: a number.
    Parked = 8,
    /// Asked of another entity, and not answered yet, under the asker. Sub-key: a number.
    Asks = 9,
    /// An agreement that is not decided, under its proposer. Sub-key: a number, and the leg.
    Agreements = 10,
    /// A tentative operation, under the partner. Sub-key: the proposer, and a number of its.
    Operations = 11,
    /// An answer that an entity owes to whoever has called it. Sub-key: the version that the call gave it.
    Owed = 12,
    /// An operation that was settled by hand, under the partner. Sub-key: which of its cells, the proposer, and a number of its.
    Settlements = 13,
    /// Rows of the host's own.
    Host = 255,
}

impl Section {
    fn of(byte: u8) -> Result<Self, DecodeError> {
        let of_entities = [Self::State, Self::Activities, Self::ClientKeys, Self::Timers];
        let of_messages = [Self::Inbox, Self::Outgoing, Self::Parked];
        let of_open_work = [Self::Asks, Self::Agreements, Self::Operations, Self::Owed, Self::Settlements];
        [Self::Own, Self::Host]
            .into_iter()
            .chain(of_entities)
            .chain(of_messages)
            .chain(of_open_work)
            .find(|section| *section as u8 == byte)
            .ok_or_else(|| DecodeError::newer(Format::Section, byte))
    }
}

/// Bytes before the hash of an entity.
const HASH_AT: usize = 5;

/// Bytes before the entity key.
const PREFIX_BYTES: usize = 13;

/// An entity's cell, read from its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityCell<'a> {
    /// The kind of cell.
    pub section: Section,
    /// The entity.
    pub address: Address,
    /// The sub-key.
    pub sub: &'a [u8],
}

/// Appends the key of an entity's cell to `out`.
pub fn write_key(section: Section, address: &Address, sub: &[u8], out: &mut Vec<u8>) {
    out.push(section as u8);
    out.extend_from_slice(&address.kind().0.to_be_bytes());
    out.extend_from_slice(&address.hash().to_be_bytes());
    let key = address.key().as_bytes();
    if key.contains(&0) {
        for &byte in key {
            out.push(byte);
            if byte == 0 {
                out.push(1);
            }
        }
    } else {
        out.extend_from_slice(key);
    }
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(sub);
}

/// Bytes of the key of an entity's cell before its sub-key.
pub(crate) fn key_bytes(address: &Address) -> usize {
    PREFIX_BYTES + written_key_bytes(address) + 2
}

/// The key of an entity's cell.
#[must_use]
pub fn key(section: Section, address: &Address, sub: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(PREFIX_BYTES + address.key().as_bytes().len() + 2 + sub.len());
    write_key(section, address, sub, &mut key);
    key
}

/// The sub-key of an outgoing message.
#[must_use]
pub fn outgoing_sub(origin: PartitionId, number: u64) -> [u8; 16] {
    let mut sub = [0; 16];
    sub[..8].copy_from_slice(&origin.0.to_be_bytes());
    sub[8..].copy_from_slice(&number.to_be_bytes());
    sub
}

/// The section of a cell.
///
/// # Errors
///
/// When the key is empty, or only a newer build knows the section.
pub fn section_of(key: &[u8]) -> Result<Section, DecodeError> {
    Section::of(*key.first().ok_or(Damaged)?)
}

/// The place on the ring of an entity, by the key of one of its cells.
///
/// # Panics
///
/// When that is no key of an entity's cell.
#[must_use]
pub fn hash_of(key: &[u8]) -> u64 {
    let hash = key.get(HASH_AT..).and_then(<[u8]>::first_chunk).expect("P4 broken: a key is no entity's");
    u64::from_be_bytes(*hash)
}

/// Reads the key of an entity's cell.
///
/// # Errors
///
/// When it is none, or only a newer build knows its section.
pub fn read_key(key: &[u8]) -> Result<EntityCell<'_>, DecodeError> {
    let section = section_of(key)?;
    if matches!(section, Section::Own | Section::Host) {
        return Err(Damaged);
    }
    read_entity_key(section, key).ok_or(Damaged)
}

fn read_entity_key(section: Section, key: &[u8]) -> Option<EntityCell<'_>> {
    let kind = KindId(u32::from_be_bytes(*key.get(1..)?.first_chunk()?));
    let hash = u64::from_be_bytes(*key.get(HASH_AT..)?.first_chunk()?);
    let rest = key.get(PREFIX_BYTES..)?;
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        match (rest.get(at)?, rest.get(at + 1)) {
            (0, Some(0)) => break,
            (0, Some(1)) => {
                text.push(0);
                at += 2;
            }
            (0, _) => return None,
            (&byte, _) => {
                text.push(byte);
                at += 1;
            }
        }
    }
    let address = Address::with_hash(kind, hash, EntityKey::from_bytes(&text).ok()?)?;
    Some(EntityCell { section, address, sub: &rest[at + 2..] })
}

/// From which key, and to which (not included), the cells of `section` and `kind` in `range` lie.
#[must_use]
pub fn bounds(section: Section, kind: KindId, range: Range) -> (Vec<u8>, Vec<u8>) {
    let start = |kind: u32, hash: u64| {
        let mut key = vec![section as u8];
        key.extend_from_slice(&kind.to_be_bytes());
        key.extend_from_slice(&hash.to_be_bytes());
        key
    };
    let to = match (range.last.checked_add(1), kind.0.checked_add(1)) {
        (Some(after), _) => start(kind.0, after),
        (None, Some(next)) => start(next, 0),
        (None, None) => vec![section as u8 + 1],
    };
    (start(kind.0, range.first), to)
}

/// From which key, and to which (not included), the cells of one entity in one section lie.
#[must_use]
pub fn entity_bounds(section: Section, address: &Address) -> (Vec<u8>, Vec<u8>) {
    let from = key(section, address, &[]);
    let mut to = from.clone();
    if let Some(last) = to.last_mut() {
        *last = 1;
    }
    (from, to)
}

/// The key of a row of the host's own.
#[must_use]
pub fn host_row(name: &str) -> Vec<u8> {
    let mut key = vec![Section::Host as u8];
    key.extend_from_slice(name.as_bytes());
    key
}

/// The rows of a partition's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionRow {
    /// Position, hash, epoch, next number, time.
    Counters,
    /// A watermark rectangle.
    Rectangle(Origin, Area),
    /// The highest generation seen of a source range.
    Generation(Range),
    /// When the newest UUIDv7 client key was made that is forgotten.
    ForgottenKeys,
    /// The highest version that any deleted entity had.
    DeletedVersion,
    /// When a producer was heard.
    Heard(EntityKey),
    /// Producers that are forgotten.
    ForgottenProducers,
    /// The nonce that makes an opening record unlike every other: put and deleted by it.
    Opening,
    /// The partitions that have the range from here on; in the last record of a log.
    Seal,
    /// The partitions that this one goes on for.
    Genesis,
}

/// The key of a row of a partition's own.
#[must_use]
pub fn partition_row(partition: PartitionId, row: &PartitionRow) -> Vec<u8> {
    let mut key = vec![Section::Own as u8];
    key.extend_from_slice(&partition.0.to_be_bytes());
    match row {
        PartitionRow::Counters => key.push(b'c'),
        PartitionRow::DeletedVersion => key.push(b'd'),
        PartitionRow::ForgottenKeys => key.push(b'f'),
        PartitionRow::ForgottenProducers => key.push(b'p'),
        PartitionRow::Opening => key.push(b'o'),
        PartitionRow::Seal => key.push(b's'),
        PartitionRow::Genesis => key.push(b'b'),
        PartitionRow::Heard(producer) => {
            key.push(b'h');
            key.extend_from_slice(producer.as_bytes());
        }
        PartitionRow::Rectangle(origin, Area { source, target }) => {
            key.push(b'r');
            for end in [source.first, source.last, target.first, target.last] {
                key.extend_from_slice(&end.to_be_bytes());
            }
            match origin {
                Origin::Partition(id) => {
                    key.push(0);
                    key.extend_from_slice(&id.0.to_be_bytes());
                }
                Origin::Producer(name) => {
                    key.push(1);
                    key.extend_from_slice(name.as_bytes());
                }
            }
        }
        PartitionRow::Generation(range) => {
            key.push(b'g');
            key.extend_from_slice(&range.first.to_be_bytes());
            key.extend_from_slice(&range.last.to_be_bytes());
        }
    }
    key
}

/// From which key, and to which (not included), the rows of a partition's own lie.
#[must_use]
pub fn partition_bounds(partition: PartitionId) -> (Vec<u8>, Vec<u8>) {
    let start = |id: u64| {
        let mut key = vec![Section::Own as u8];
        key.extend_from_slice(&id.to_be_bytes());
        key
    };
    (start(partition.0), partition.0.checked_add(1).map_or_else(|| vec![1], start))
}

/// Reads the key of a row of `partition`'s own. A row whose value has a new layout has a new tag.
///
/// # Errors
///
/// When it is none, or only a newer build knows it.
pub fn read_partition_row(partition: PartitionId, key: &[u8]) -> Result<PartitionRow, DecodeError> {
    let (prefix, row) = key.split_at_checked(9).ok_or(Damaged)?;
    if prefix[0] != Section::Own as u8 || prefix[1..] != partition.0.to_be_bytes() {
        return Err(Damaged);
    }
    let (tag, row) = row.split_first().ok_or(Damaged)?;
    let alone = |of: PartitionRow| if row.is_empty() { Ok(of) } else { Err(Damaged) };
    match tag {
        b'b' => alone(PartitionRow::Genesis),
        b'c' => alone(PartitionRow::Counters),
        b'd' => alone(PartitionRow::DeletedVersion),
        b'f' => alone(PartitionRow::ForgottenKeys),
        b'o' => alone(PartitionRow::Opening),
        b'p' => alone(PartitionRow::ForgottenProducers),
        b's' => alone(PartitionRow::Seal),
        b'h' => EntityKey::from_bytes(row).map(PartitionRow::Heard).map_err(|_| Damaged),
        b'g' if row.len() == 16 => Ok(PartitionRow::Generation(read_range(row).ok_or(Damaged)?)),
        b'g' => Err(Damaged),
        b'r' => read_rectangle(row),
        newer => Err(DecodeError::newer(Format::PartitionRow, *newer)),
    }
}

fn read_rectangle(row: &[u8]) -> Result<PartitionRow, DecodeError> {
    let area = |row: &[u8]| Some(Area { source: read_range(row)?, target: read_range(row.get(16..)?)? });
    let area = area(row).ok_or(Damaged)?;
    let (tag, origin) = row.get(32..).and_then(<[u8]>::split_first).ok_or(Damaged)?;
    let origin = match tag {
        0 => Origin::Partition(PartitionId(u64::from_be_bytes(origin.try_into().map_err(|_| Damaged)?))),
        1 => Origin::Producer(EntityKey::from_bytes(origin).map_err(|_| Damaged)?),
        newer => return Err(DecodeError::newer(Format::Origin, *newer)),
    };
    Ok(PartitionRow::Rectangle(origin, area))
}

fn read_range(bytes: &[u8]) -> Option<Range> {
    let first = u64::from_be_bytes(*bytes.first_chunk()?);
    let last = u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?);
    (first <= last).then_some(Range { first, last })
}

#[cfg(test)]
mod tests;

//! The format of a segment file. All integers are little-endian.
//!
//! ```text
//!   segment   ┌ header ┬ group ┬ group ───────────┬ group ┬ … ┐      each begins at a multiple of 4096
//!   group     ┌ header ┬ entry ┬ entry ┬ entry ┬ record ┬ record ┬ zeros ┐
//!   entry     ┌ partition 8 ┬ position 8 ┬ length 4 ┬ kind 4 ┬ hash 8 ┐
//!
//!   header    ┌ magic 8 ┬ version 4 ┬ length 4 ┬ number 8 ┬ seed 8 ┬ sequence 8 ┬ …
//!   of a      … ┬ end of the one before 8 ┬ bytes of the file 8 ┬ log 8 ┬ hash 8 ┐       `length` ends before `hash`
//!   segment
//! ```
//!
//! An entry is a record (its bytes follow the entries, in their order, and match `hash`) or a *roll*: the last
//! position of a partition at that point. A roll has no bytes. Every segment begins with the roll of all
//! partitions, and so does the group that follows when there is nothing to write; so a partition that lost a
//! record can be told from one that did not.
//!
//! A group says where it stands and up to where everything was synced when it was written. Its checksum is seeded
//! with the random number of its segment: neither a leftover of an earlier use of the file nor bytes that an
//! author chose can pass for a group.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{PartitionId, Position};

/// Groups and headers begin at multiples of this: what was synced shares no sector with what is written later.
pub const ALIGN: u64 = 4096;

/// Bytes of a group before its entries.
pub const GROUP_HEADER_BYTES: usize = 64;

/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 32;

/// The layout that this build writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"apo.log\n";

/// Bytes of a segment header before its checksum, in the layout of this build.
const SEGMENT_SUMMED_BYTES: usize = 64;

/// Bytes of magic, version and length: where they stand is the same in every layout.
const SEGMENT_FRAME_BYTES: usize = 16;

const GROUP_MAGIC: [u8; 4] = *b"apg\x01";
const KIND_RECORD: u32 = 1;
const KIND_ROLL: u32 = 2;

/// A place in the log: a segment, and an offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Number of the segment.
    pub segment: u64,
    /// Offset in it.
    pub offset: u64,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:010}.seg at {}", self.segment, self.offset)
    }
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The segment's number: dense, never used again.
    pub number: u64,
    /// Seeds the checksums of its groups.
    pub seed: u64,
    /// The number of its first group.
    pub sequence: u64,
    /// Where the segment before it ends: all of that is synced, and what follows it there does not count.
    pub previous_end: u64,
    /// Bytes of the file, as long as it is written to: one that is shorter has lost something.
    pub bytes: u64,
    /// Which log it belongs to.
    pub log: u64,
}

/// Why a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The bytes are not those that were written.
    Damaged,
    /// Another build wrote it.
    Format(u32),
}

impl SegmentHeader {
    /// The header, filling what is set aside for it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { number, seed, sequence, previous_end, bytes: file_bytes, log } = *self;
        let mut bytes = Vec::with_capacity(usize::try_from(ALIGN).unwrap_or(SEGMENT_SUMMED_BYTES));
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(SEGMENT_SUMMED_BYTES as u32).to_le_bytes());
        for word in [number, seed, sequence, previous_end, file_bytes, log] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let hash = xxh3_64_with_seed(&bytes, 0);
        bytes.extend_from_slice(&hash.to_le_bytes());
        pad(&mut bytes);
        bytes
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// The checksum is verified before the version: a flipped bit in the version is damage, and not another build.
    ///
    /// # Errors
    ///
    /// [`HeaderError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let frame: &[u8; SEGMENT_FRAME_BYTES] = bytes.first_chunk().ok_or(HeaderError::Damaged)?;
        let (version, length) = (half(frame, 8), half(frame, 12) as usize);
        let (header, rest) = bytes.split_at_checked(length).ok_or(HeaderError::Damaged)?;
        let hash: &[u8; 8] = rest.first_chunk().ok_or(HeaderError::Damaged)?;
        if frame[..8] != SEGMENT_MAGIC || xxh3_64_with_seed(header, 0) != u64::from_le_bytes(*hash) {
            return Err(HeaderError::Damaged);
        }
        if version != FORMAT_VERSION {
            return Err(HeaderError::Format(version));
        }
        let header: &[u8; SEGMENT_SUMMED_BYTES] = header.try_into().map_err(|_| HeaderError::Damaged)?;
        Ok(Self {
            number: word(header, 16),
            seed: word(header, 24),
            sequence: word(header, 32),
            previous_end: word(header, 40),
            bytes: word(header, 48),
            log: word(header, 56),
        })
    }
}

/// The header of a group, in front of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// Where it stands.
    pub at: Location,
    /// The group's number: dense over all segments.
    pub sequence: u64,
    /// Everything before this place was synced when the group was written.
    pub synced: Location,
}

/// One entry of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A record, whose bytes follow the entries.
    Record {
        /// The partition to whose log it belongs.
        partition: PartitionId,
        /// Where it stands there.
        position: Position,
        /// How many bytes it has.
        length: u32,
        /// XXH3-64 over them.
        hash: u64,
    },
    /// The last position of a partition at this point.
    Roll {
        /// The partition whose log it is.
        partition: PartitionId,
        /// The last position.
        last: Position,
    },
}

/// Encodes header and entries; the records, and zeros up to the next multiple of [`ALIGN`], follow.
pub fn encode_group(header: &GroupHeader, seed: u64, entries: &[Entry], bytes: &mut Vec<u8>) {
    let GroupHeader { at, sequence, synced } = *header;
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    assert!(count as usize == entries.len(), "a group has fewer than 2^32 entries");
    bytes.clear();
    bytes.extend_from_slice(&GROUP_MAGIC);
    bytes.extend_from_slice(&count.to_le_bytes());
    for word in [at.segment, at.offset, sequence, synced.segment, synced.offset, 0, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for entry in entries {
        let (partition, position, length, kind, hash) = match *entry {
            Entry::Record { partition, position, length, hash } => (partition, position, length, KIND_RECORD, hash),
            Entry::Roll { partition, last } => (partition, last, 0, KIND_ROLL, 0),
        };
        bytes.extend_from_slice(&partition.0.to_le_bytes());
        bytes.extend_from_slice(&position.0.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&hash.to_le_bytes());
    }
    let hash = group_hash(bytes, seed);
    bytes[56..64].copy_from_slice(&hash.to_le_bytes());
}

/// A group as it was found: header and entries are whole, the records were not verified.
#[derive(Clone, Debug)]
pub struct Group {
    /// The header.
    pub header: GroupHeader,
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Group {
    /// Reads the group at `at`, out of all the `bytes` of its segment. None if there is no such group.
    #[must_use]
    pub fn decode(bytes: &[u8], seed: u64, at: Location) -> Option<Self> {
        let bytes = bytes.get(usize::try_from(at.offset).ok()?..)?;
        let header: &[u8; GROUP_HEADER_BYTES] = bytes.first_chunk()?;
        if header[..4] != GROUP_MAGIC {
            return None;
        }
        let count = half(header, 4) as usize;
        let table = bytes.get(..GROUP_HEADER_BYTES.checked_add(count.checked_mul(ENTRY_BYTES)?)?)?;
        let found = Location { segment: word(header, 8), offset: word(header, 16) };
        if found != at || group_hash(table, seed) != word(header, 56) {
            return None;
        }
        let entries =
            table[GROUP_HEADER_BYTES..].as_chunks::<ENTRY_BYTES>().0.iter().map(decode_entry).collect::<Option<_>>()?;
        let synced = Location { segment: word(header, 32), offset: word(header, 40) };
        Some(Self { header: GroupHeader { at, sequence: word(header, 24), synced }, entries })
    }

    /// Offset, in the segment, of the bytes of the first record.
    #[must_use]
    pub fn records_at(&self) -> u64 {
        self.header.at.offset + (GROUP_HEADER_BYTES + self.entries.len() * ENTRY_BYTES) as u64
    }

    /// Offset of the next group.
    #[must_use]
    pub fn end(&self) -> u64 {
        let records: u64 = self.entries.iter().map(|entry| u64::from(entry.length())).sum();
        (self.records_at() + records).next_multiple_of(ALIGN)
    }
}

impl Entry {
    /// Bytes of it that follow the entries.
    #[must_use]
    pub fn length(&self) -> u32 {
        match *self {
            Self::Record { length, .. } => length,
            Self::Roll { .. } => 0,
        }
    }
}

/// The checksum of a record in an entry.
#[must_use]
pub fn record_hash(record: &[u8]) -> u64 {
    xxh3_64_with_seed(record, 0)
}

/// Fills up to the next multiple of [`ALIGN`].
pub fn pad(bytes: &mut Vec<u8>) {
    let align = usize::try_from(ALIGN).unwrap_or(1);
    bytes.resize(bytes.len().next_multiple_of(align), 0);
}

fn decode_entry(bytes: &[u8; ENTRY_BYTES]) -> Option<Entry> {
    let (partition, position) = (PartitionId(word(bytes, 0)), Position(word(bytes, 8)));
    match half(bytes, 20) {
        KIND_RECORD => Some(Entry::Record { partition, position, length: half(bytes, 16), hash: word(bytes, 24) }),
        KIND_ROLL => Some(Entry::Roll { partition, last: position }),
        _ => None,
    }
}

/// Over header and entries, but for the place of the checksum itself.
fn group_hash(table: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(&table[GROUP_HEADER_BYTES..], xxh3_64_with_seed(&table[..56], seed))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |half, byte| half << 8 | u32::from(*byte))
}

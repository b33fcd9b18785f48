//! One record: the unit that a log keeps, and that a partition commits.
//!
//! The header is a fixed layout, all integers little-endian:
//!
//! ```text
//!   0        4        8                16               24               32
//!   ├ format ┼ length ┼── partition ───┼──── epoch ─────┼─── position ───┤
//!   ├──── previous ───┼───── time ─────┼───── hash ─────┼──── body … ────┤
//!   32                40               48               56
//! ```
//!
//! `length` is that of the whole record. `hash` is XXH3-64 over everything else of the record; `previous` is the
//! `hash` of the record before it (0 before the first). So one number is the checksum of a record and the link of
//! the chain: a record that was swapped, lost or written by another writer does not fit.

use xxhash_rust::xxh3::Xxh3;

/// The place of a record in its partition's log: dense, from 1. 0 stands for "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Which writer of a partition: rises by one with every opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Names one range of the ring for ever; never used again after a split or a merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u64);

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for PartitionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes before the body of a record.
pub const RECORD_HEADER_BYTES: usize = 56;

/// The layout that this build writes, and the newest that it reads.
const LAYOUT: u8 = 1;

/// Marks a record, with the number of its layout.
const FORMAT: u32 = u32::from_le_bytes([b'a', b'p', b'o', LAYOUT]);

const HASH_AT: usize = 48;

/// The header of a record, in front of its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordHeader {
    /// The partition to whose log it belongs.
    pub partition: PartitionId,
    /// The writer that made it.
    pub epoch: Epoch,
    /// Where it stands.
    pub position: Position,
    /// The hash of the record before it; 0 before the first.
    pub previous: u64,
    /// The partition's time when it was made, in milliseconds since 1970.
    pub time: u64,
}

/// A record whose checksum was verified.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The header.
    pub header: RecordHeader,
    /// The checksum, which is the link that the next record must name.
    pub hash: u64,
    /// The cells, as `apostate-partition` lays them out.
    pub body: &'a [u8],
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Fewer bytes than the header or its length asks for.
    #[error("record is cut short")]
    Short,
    /// A newer build has written it, in the layout of this number.
    #[error(
        "written by a newer build: record layout {0} is unknown to this one; start a build at least as new as the one that wrote it"
    )]
    Newer(u8),
    /// The bytes are not those that were written.
    #[error("record does not match its checksum")]
    Checksum,
}

impl RecordHeader {
    /// Completes a record: `bytes` is [`RECORD_HEADER_BYTES`] of room, then the body. Returns its hash.
    ///
    /// # Panics
    ///
    /// When the room for the header is missing, or the record is longer than 4 GiB.
    pub fn seal(&self, bytes: &mut [u8]) -> u64 {
        let Self { partition, epoch, position, previous, time } = *self;
        let length = u32::try_from(bytes.len()).expect("a record is at most 4 GiB");
        bytes[0..4].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..16].copy_from_slice(&partition.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&epoch.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&position.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&previous.to_le_bytes());
        bytes[40..48].copy_from_slice(&time.to_le_bytes());
        let hash = hash_of(bytes);
        bytes[HASH_AT..RECORD_HEADER_BYTES].copy_from_slice(&hash.to_le_bytes());
        hash
    }
}

impl<'a> Record<'a> {
    /// Reads and verifies the record at the start of `bytes`; what follows it is not read.
    ///
    /// # Errors
    ///
    /// See [`RecordError`]; nothing of a damaged record is given out.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let header: &[u8; RECORD_HEADER_BYTES] = bytes.first_chunk().ok_or(RecordError::Short)?;
        let format = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        match format.to_le_bytes() {
            [b'a', b'p', b'o', LAYOUT] => {}
            [b'a', b'p', b'o', newer] if newer > LAYOUT => return Err(RecordError::Newer(newer)),
            _ => return Err(RecordError::Checksum),
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if length < RECORD_HEADER_BYTES {
            return Err(RecordError::Checksum);
        }
        let whole = bytes.get(..length).ok_or(RecordError::Short)?;
        let hash = word(header, HASH_AT);
        if hash != hash_of(whole) {
            return Err(RecordError::Checksum);
        }
        Ok(Self {
            header: RecordHeader {
                partition: PartitionId(word(header, 8)),
                epoch: Epoch(word(header, 16)),
                position: Position(word(header, 24)),
                previous: word(header, 32),
                time: word(header, 40),
            },
            hash,
            body: &whole[RECORD_HEADER_BYTES..],
        })
    }

    /// Length of the whole record in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        RECORD_HEADER_BYTES + self.body.len()
    }
}

fn word(header: &[u8; RECORD_HEADER_BYTES], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&header[at..at + 8]);
    u64::from_le_bytes(word)
}

fn hash_of(record: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&record[..HASH_AT]);
    hasher.update(&record[RECORD_HEADER_BYTES..]);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(body: &[u8]) -> (RecordHeader, Vec<u8>) {
        let header = RecordHeader {
            partition: PartitionId(7),
            epoch: Epoch(2),
            position: Position(9),
            previous: 0xFEED,
            time: 1_700_000_000_000,
        };
        let mut bytes = vec![0; RECORD_HEADER_BYTES];
        bytes.extend_from_slice(body);
        header.seal(&mut bytes);
        (header, bytes)
    }

    #[test]
    fn a_sealed_record_reads_back() {
        let (header, bytes) = sealed(b"cells");
        let record = Record::read(&bytes).expect("a whole record");
        assert_eq!(record.header, header);
        assert_eq!(record.body, b"cells");
        assert_eq!(record.length(), bytes.len());
    }

    #[test]
    fn a_flip_of_any_bit_is_noticed() {
        let (_, bytes) = sealed(b"cells");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::read(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_of_a_newer_layout_is_called_so() {
        let (_, mut bytes) = sealed(b"cells");
        bytes[3] = LAYOUT + 1;
        assert_eq!(Record::read(&bytes).expect_err("newer"), RecordError::Newer(LAYOUT + 1));
    }

    #[test]
    fn a_cut_record_is_short() {
        let (_, bytes) = sealed(b"cells");
        for length in 0..bytes.len() {
            assert_eq!(Record::read(&bytes[..length]).expect_err("cut"), RecordError::Short);
        }
    }
}

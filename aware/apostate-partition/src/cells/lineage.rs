//! Lineage: how the log of a partition ends in others, and how theirs begin.
//!
//! ```text
//!   seal      ├ layout, count (1 + 1) ┼ map version (8) ┤  then, for every child:  ├ id (8) ┼ first (8) ┼ last (8) ┤
//!   genesis   ├ layout, count (1 + 1) ┼ map version (8) ┼ first (8) ┼ last (8) ┤
//!             then, for every parent:  ├ id (8) ┼ first (8) ┼ last (8) ┼ position (8) ┼ hash (8) ┤
//! ```
//!
//! Both are values of rows of the partition's own. A seal stands in the last record of a log, and in no checkpoint; a genesis in the first record,
//! and with the other rows from then on. The high half of the first byte is the number of the layout: 0. Integers are little-endian.
//!
//! What is durable when: `docs/design/repartitioning.md`. Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/lineage.rs`.

use apostate_log::{PartitionId, Position};

use crate::cells::cell::{self, PartitionRow};
use crate::cells::record_body::Body;
use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format, layout_of};
use crate::range::Range;

/// The layout that this build writes.
const LAYOUT: u8 = 0;

/// Bytes of one word.
const WORD: usize = 8;

/// A partition that has a part of a sealed one's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The partition.
    pub id: PartitionId,
    /// The range that it has, for all of its life.
    pub range: Range,
}

/// The end of a log: who has the partition's range from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The version of the map that makes the children.
    pub map_version: u64,
    /// The children, in the order of their ranges.
    pub children: Vec<Child>,
}

/// A partition that has ended in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The partition.
    pub id: PartitionId,
    /// The range that it has, or had.
    pub range: Range,
    /// The position of its seal.
    pub position: Position,
    /// The hash of that record.
    pub hash: u64,
}

/// The beginning of a log: what the partition was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The version of the map that made the partition.
    pub map_version: u64,
    /// The range that it has, or had.
    pub range: Range,
    /// The partitions that it goes on for, in the order of their ranges.
    pub parents: Vec<Parent>,
}

fn write(count: usize, words: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let count = u8::try_from(count).expect("P2 broken: a partition has more children or parents than there ever are");
    let mut value = vec![LAYOUT << 4, count];
    words.into_iter().for_each(|word| value.extend_from_slice(&word.to_le_bytes()));
    value
}

/// The count, and the words behind it.
fn read(format: Format, value: &[u8]) -> Result<(usize, Vec<u64>), DecodeError> {
    let (_, low) = layout_of(format, *value.first().ok_or(Damaged)?, LAYOUT)?;
    let count = usize::from(*value.get(1).ok_or(Damaged)?);
    let (words, rest) = value[2..].as_chunks::<WORD>();
    if low != 0 || !rest.is_empty() {
        return Err(Damaged);
    }
    Ok((count, words.iter().map(|word| u64::from_le_bytes(*word)).collect()))
}

fn range(first: u64, last: u64) -> Result<Range, DecodeError> {
    if first <= last { Ok(Range { first, last }) } else { Err(Damaged) }
}

impl Seal {
    /// The value of its row.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { map_version, children } = self;
        let words = children.iter().flat_map(|Child { id, range }| [id.0, range.first, range.last]);
        write(children.len(), [*map_version].into_iter().chain(words))
    }

    /// Reads the value of its row.
    ///
    /// # Errors
    ///
    /// When it is none, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (count, words) = read(Format::Seal, value)?;
        let (&map_version, words) = words.split_first().ok_or(Damaged)?;
        let (children, rest) = words.as_chunks::<3>();
        if children.len() != count || !rest.is_empty() {
            return Err(Damaged);
        }
        let child = |&[id, first, last]: &[u64; 3]| Ok(Child { id: PartitionId(id), range: range(first, last)? });
        let children = children.iter().map(child).collect::<Result<_, DecodeError>>()?;
        Ok(Self { map_version, children })
    }

    /// The child of that id, if it is one.
    #[must_use]
    pub fn child(&self, id: PartitionId) -> Option<Child> {
        self.children.iter().copied().find(|child| child.id == id)
    }
}

impl Genesis {
    /// The genesis in a record of partition `id`, if there is one that reads.
    pub(crate) fn find(id: PartitionId, body: Body<'_>) -> Option<Self> {
        let row = cell::partition_row(id, &PartitionRow::Genesis);
        let mut cells = body.cells().filter_map(Result::ok);
        cells.find(|(key, _)| *key == row).and_then(|(_, value)| Self::read(value?).ok())
    }

    /// The value of its row.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { map_version, range, parents } = self;
        let parent = |Parent { id, range, position, hash }: &Parent| [id.0, range.first, range.last, position.0, *hash];
        let own = [*map_version, range.first, range.last];
        write(parents.len(), own.into_iter().chain(parents.iter().flat_map(parent)))
    }

    /// Reads the value of its row.
    ///
    /// # Errors
    ///
    /// When it is none, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (count, words) = read(Format::Genesis, value)?;
        let (&[map_version, first, last], words) = words.split_first_chunk::<3>().ok_or(Damaged)?;
        let (parents, rest) = words.as_chunks::<5>();
        if parents.len() != count || !rest.is_empty() {
            return Err(Damaged);
        }
        let parent = |&[id, first, last, position, hash]: &[u64; 5]| {
            Ok(Parent { id: PartitionId(id), range: range(first, last)?, position: Position(position), hash })
        };
        let parents = parents.iter().map(parent).collect::<Result<_, DecodeError>>()?;
        Ok(Self { map_version, range: range(first, last)?, parents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        let [lower, upper] = [Range::new(0, 9), Range::new(10, 20)];
        let children = vec![Child { id: PartitionId(7), range: lower }, Child { id: PartitionId(8), range: upper }];
        Seal { map_version: 3, children }
    }

    fn genesis() -> Genesis {
        let parent = Parent { id: PartitionId(4), range: Range::new(0, 20), position: Position(99), hash: 12 };
        Genesis { map_version: 3, range: Range::new(10, 20), parents: vec![parent] }
    }

    #[test]
    fn a_seal_and_a_genesis_read_back_and_no_part_of_them_does() {
        assert_eq!(Seal::read(&seal().write()), Ok(seal()));
        assert_eq!(Genesis::read(&genesis().write()), Ok(genesis()));
        assert_eq!(seal().child(PartitionId(8)).map(|child| child.range.first), Some(10));
        assert_eq!(seal().child(PartitionId(9)), None);
        for length in 0..seal().write().len() {
            assert_eq!(Seal::read(&seal().write()[..length]), Err(Damaged));
        }
        for length in 0..genesis().write().len() {
            assert_eq!(Genesis::read(&genesis().write()[..length]), Err(Damaged));
        }
    }

    #[test]
    fn a_seal_and_a_genesis_of_a_newer_build_are_called_so() {
        let newer = |mut value: Vec<u8>| {
            value[0] |= 0x10;
            value
        };
        assert_eq!(Seal::read(&newer(seal().write())), Err(DecodeError::newer(Format::Seal, 1)));
        assert_eq!(Genesis::read(&newer(genesis().write())), Err(DecodeError::newer(Format::Genesis, 1)));
    }
}

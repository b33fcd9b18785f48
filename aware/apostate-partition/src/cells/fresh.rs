//! Fresh cells: cells whose key is used once, because a number in it is never given out again.
//!
//! Of such a cell the store need not be told anything if it came and went between two checkpoints. Every other cell may have been
//! put before: its deletion stands as a tombstone until a checkpoint has it.
//!
//! Compared with every record in `sim/apostate-sim/src/check/shadow.rs`; planted `tombstone-missing`.

use apostate_core::Address;

use crate::cells::cell::{self, Section};

/// The key of a cell that is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreshCell(Box<[u8]>);

impl FreshCell {
    /// A message in the inbox of an entity.
    pub(crate) fn inbox(to: &Address, number: u64) -> Self {
        Self(cell::key(Section::Inbox, to, &number.to_be_bytes()).into())
    }

    /// A parked message.
    pub(crate) fn parked(to: &Address, number: u64) -> Self {
        Self(cell::key(Section::Parked, to, &number.to_be_bytes()).into())
    }

    /// A message to another partition; `cell` is the key of its cell.
    pub(crate) fn outgoing(cell: Vec<u8>) -> Self {
        Self(cell.into())
    }

    /// The cell of open work with this key.
    pub(crate) fn open_work(key: &[u8]) -> Self {
        Self(key.into())
    }

    /// The cell with this key of the log; none if keys of its section may be used again.
    pub(crate) fn read(section: Section, key: &[u8]) -> Option<Self> {
        match section {
            Section::Inbox | Section::Outgoing | Section::Parked => Some(Self(key.into())),
            Section::Asks | Section::Agreements | Section::Operations => Some(Self(key.into())),
            Section::Owed | Section::Settlements => Some(Self(key.into())),
            Section::Own | Section::State | Section::Activities | Section::ClientKeys => None,
            // A timer's key may be used once; its cell is put again when it is posted.
            Section::Timers | Section::Host => None,
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_key(self) -> Box<[u8]> {
        self.0
    }
}

//! Items of open work: asks, owed answers, operations and what was settled of them by hand, each begun once and ended once, and their cells.

use std::num::NonZeroU64;

use apostate_core::{Address, Timestamp};

use crate::cells::ask::OpenAsk;
use crate::cells::cell::Section;
use crate::cells::operation::Operation;
use crate::cells::owed::Owed;
use crate::cells::settlement::{self, CONTRADICTED_BYTES, Settlement, SettlementSub};
use crate::format::DecodeError;

/// Something that closed batches have, or only the open one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept<T> {
    pub(super) value: T,
    /// Whether a closed batch has put its cell.
    pub(super) is_logged: bool,
}

/// Bytes that the cell of an item takes in a record besides its key and its value, at most.
const CELL_BYTES: usize = 7;

/// The name of an item, among those of its entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// An ask, by its number.
    Ask(NonZeroU64),
    /// An owed answer, by its number.
    Owed(NonZeroU64),
    /// An operation that was settled by hand, by the number of its try, and by the proposer.
    Settled(NonZeroU64, Address),
    /// The mark that the real ending of such an operation was another one.
    Contradicted(NonZeroU64, Address),
    /// A tentative operation, by the number of its try, and by the proposer.
    Operation(NonZeroU64, Address),
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Ask(OpenAsk),
    Owed(Owed),
    Settled(Settlement),
    /// When the real ending came.
    Contradicted(Timestamp),
    Operation(Operation),
}

impl Name {
    /// The key of the item's cell.
    pub(super) fn key(&self, of: &Address) -> Vec<u8> {
        match self {
            Self::Ask(number) => OpenAsk::key(of, *number),
            Self::Owed(number) => Owed::key(of, *number),
            Self::Settled(number, proposer) => SettlementSub::Settled.key(of, proposer, *number),
            Self::Contradicted(number, proposer) => SettlementSub::Contradicted.key(of, proposer, *number),
            Self::Operation(number, proposer) => Operation::key(of, proposer, *number),
        }
    }

    /// Bytes of the key of the item's cell behind the entity's, at most.
    fn sub_bytes(&self) -> usize {
        match self {
            Self::Ask(_) | Self::Owed(_) => size_of::<u64>(),
            Self::Settled(_, proposer) | Self::Contradicted(_, proposer) | Self::Operation(_, proposer) => {
                1 + size_of::<u32>() + size_of::<u64>() + proposer.key().as_bytes().len()
            }
        }
    }

    /// Reads the name from the sub-key of a cell of this section.
    pub(super) fn read(section: Section, sub: &[u8]) -> Result<Self, DecodeError> {
        match section {
            Section::Asks => OpenAsk::read_number(sub).map(Self::Ask),
            Section::Owed => Owed::read_number(sub).map(Self::Owed),
            Section::Settlements => SettlementSub::read(sub).map(|(sub, (proposer, number))| match sub {
                SettlementSub::Settled => Self::Settled(number, proposer),
                SettlementSub::Contradicted => Self::Contradicted(number, proposer),
            }),
            _ => Operation::read_name(sub).map(|(proposer, number)| Self::Operation(number, proposer)),
        }
    }

    /// Reads the value of the cell that has this name.
    pub(super) fn read_item(&self, value: &[u8]) -> Result<Item, DecodeError> {
        match self {
            Self::Ask(_) => OpenAsk::read(value).map(Item::Ask),
            Self::Owed(_) => Owed::read(value).map(Item::Owed),
            Self::Settled(..) => Settlement::read(value).map(Item::Settled),
            Self::Contradicted(..) => settlement::read_contradicted(value).map(Item::Contradicted),
            Self::Operation(..) => Operation::read(value).map(Item::Operation),
        }
    }

    /// Bytes that the cell takes in a record at most, besides its value and the entity's key.
    pub(crate) fn cell_bytes(&self) -> usize {
        CELL_BYTES + self.sub_bytes()
    }
}

impl Item {
    /// The cell's value.
    pub(super) fn write(&self) -> Vec<u8> {
        match self {
            Self::Ask(ask) => ask.write(),
            Self::Owed(owed) => owed.write(),
            Self::Settled(settlement) => settlement.write(),
            Self::Contradicted(time) => settlement::contradicted(*time),
            Self::Operation(operation) => operation.write(),
        }
    }

    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Ask(ask) => ask.length(),
            Self::Owed(owed) => owed.length(),
            Self::Settled(settlement) => settlement.length(),
            Self::Contradicted(_) => CONTRADICTED_BYTES,
            Self::Operation(operation) => operation.length(),
        }
    }
}

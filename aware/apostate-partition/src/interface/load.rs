//! Loads: reads of the store that a partition asks for, and their results.

use apostate_core::{Address, PartnerKey};
use apostate_log::{PartitionId, StoreError, StoredCell};

use crate::range::Range;

/// A read of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// An entity: its state, and the first of its client keys.
    Entity(Address),
    /// One client key of an entity.
    ClientKey(Address, Box<str>),
    /// An activity: what an entity remembers about one partner.
    Activity {
        /// The entity.
        address: Address,
        /// The life that it belongs to; none if memory does not know: then the store says.
        life: Option<u64>,
        /// The partner.
        partner: PartnerKey,
    },
    /// A page of the outbox: messages to the partition `to` that memory had no room for.
    Outgoing {
        /// Their receiver.
        to: PartitionId,
        /// The keys of their cells, in the order in which they will be sent.
        cells: Vec<Box<[u8]>>,
    },
    /// Messages at the head of an entity's inbox that memory had no room for.
    Inbox {
        /// The entity.
        address: Address,
        /// The keys of their cells, in the order of the inbox.
        cells: Vec<Box<[u8]>>,
    },
    /// A parked message that an operator decides about.
    Parked {
        /// The entity that it is parked under.
        to: Address,
        /// The number that it is parked under.
        number: u64,
    },
    /// A page of client keys, of whatever entities, to see which are too old.
    ClientKeys {
        /// Where the entities live.
        range: Range,
        /// Only cells behind this one.
        after: Option<Box<[u8]>>,
        /// About how many bytes of them.
        bytes_max: usize,
    },
}

impl Load {
    /// The entity that it is about; none of a page of the outbox or of client keys. A host that has handed a partition over tells the answer to whoever
    /// has this entity then, and drops the others.
    #[must_use]
    pub fn entity(&self) -> Option<&Address> {
        match self {
            Self::Entity(address) | Self::ClientKey(address, _) => Some(address),
            Self::Activity { address, .. } | Self::Inbox { address, .. } => Some(address),
            Self::Parked { to, .. } => Some(to),
            Self::Outgoing { .. } | Self::ClientKeys { .. } => None,
        }
    }
}

/// Result of a [`Load`].
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The load.
    pub load: Load,
    /// The cells, or why they cannot be had.
    pub cells: Result<Vec<StoredCell>, StoreError>,
    /// Whether the store has client keys of the entity that are not among them.
    pub is_partial: bool,
}

//! Why a partition stopped: a value, from where it broke to the edge. Whoever has words to say for it displays it there.

use std::fmt;

use apostate_core::PartnerKey;
use apostate_log::{PartitionId, StoreError};

use crate::format::{DecodeError, NewerFormat};

/// Why a partition stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// Another writer has opened a later epoch.
    #[error("another writer opened epoch {epoch}; this one retires")]
    Fenced {
        /// The later epoch.
        epoch: u64,
    },
    /// Another writer went on while this one opened, before anybody was fenced: open it again.
    #[error("another writer appended a record after this one had read the log; open it again")]
    Overtaken,
    /// An invariant does not hold. Opening it again does not mend that.
    #[error("{}", Words(.invariant, .detail))]
    Broken {
        /// The invariant.
        invariant: Invariant,
        /// In what way.
        detail: String,
    },
    /// Acknowledged data is damaged or missing in the store. Opening it again does not mend that.
    #[error(transparent)]
    Damaged(Damage),
    /// A newer build has written something in the store: it is whole, and this build cannot read it.
    #[error("{what} cannot be read: {format}")]
    Newer {
        /// The thing that was asked for.
        what: Stored,
        /// The layout or tag that is unknown to this build.
        format: NewerFormat,
    },
    /// The log or the store failed.
    #[error(transparent)]
    Failed(Outage),
}

impl From<Damage> for StopReason {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl StopReason {
    /// The reason that an assertion gives, which begins with the invariant's name if it has one: `E1 broken: …`.
    pub(crate) fn of_panic(text: String) -> Self {
        let named = text.split_once(" broken: ").and_then(|(name, detail)| Some((Invariant::named(name)?, detail)));
        match named {
            Some((invariant, detail)) => Self::Broken { invariant, detail: detail.to_owned() },
            None => Self::Broken { invariant: Invariant::Assertion, detail: text },
        }
    }
}

macro_rules! invariants {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// An invariant of a partition, by the name that it has in `ARCHITECTURE.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Invariant {
            $($(#[$doc])* $name,)+
            /// Another assertion.
            Assertion,
        }

        impl Invariant {
            /// The name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                    Self::Assertion => "assertion",
                }
            }

            fn named(name: &str) -> Option<Self> {
                [$(Self::$name),+].into_iter().find(|invariant| invariant.name() == name)
            }
        }
    };
}

invariants! {
    /// A message is applied at most once, and, unless parked, at least once.
    E1,
    /// A message leaves if and only if the transaction that sent it is durable.
    E2,
    /// No transaction touches two entities.
    E3,
    /// Messages of one pair are applied in the order sent, unless parked.
    E6,
    /// At most one writer appends in an epoch; older epochs are fenced.
    P1,
    /// Ranges tile the ring: no gap, no overlap.
    P2,
    /// Replaying a log gives the same cells, to the byte.
    P4,
    /// Acknowledged data survives, or the partition stops and says so.
    P6,
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A broken invariant as an operator reads it.
struct Words<'a>(&'a Invariant, &'a String);

impl fmt::Display for Words<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Invariant::Assertion, detail) => formatter.write_str(detail),
            Self(invariant, detail) => write!(formatter, "{invariant} broken: {detail}"),
        }
    }
}

/// Damage: the store does not have something as it was given it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Nothing is there.
    #[error("P6 broken: {0} is missing in the store")]
    Missing(Stored),
    /// Something else than what was stored is there.
    #[error("P6 broken: {0} does not read")]
    Unreadable(Stored),
    /// The store knows that it is damaged.
    #[error("P6: {what} cannot be loaded: {error}")]
    Known {
        /// The thing that was asked for.
        what: Stored,
        /// The store's own words.
        error: StoreError,
    },
}

/// A failure of the log or the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// The log takes no more; in its words.
    #[error("{0}")]
    Log(String),
    /// The store takes no checkpoint; in the host's words.
    #[error("{0}")]
    Checkpoint(String),
    /// The store does not read.
    #[error("P6: {what} cannot be loaded: {error}")]
    Load {
        /// The thing that was asked for.
        what: Stored,
        /// The store's own words.
        error: StoreError,
    },
}

/// Something that the store holds. Entities are named `kind/key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The state and the first client keys of an entity.
    Entity(String),
    /// An activity: what an entity remembers about a partner.
    Activity {
        /// The partner, as its kind's number and its key.
        partner: PartnerKey,
        /// The entity.
        entity: String,
    },
    /// A client key of an entity.
    ClientKey {
        /// The key.
        key: Box<str>,
        /// The entity.
        entity: String,
    },
    /// A page of client keys.
    ClientKeys,
    /// A cell, by its key in hexadecimal digits.
    Cell(String),
    /// A message to another partition.
    Outgoing {
        /// The partition that it was sent in.
        origin: PartitionId,
        /// The message's number there.
        number: u64,
    },
    /// A page of messages to another partition.
    OutgoingPage {
        /// The receiver.
        to: PartitionId,
        /// How many.
        count: usize,
    },
    /// A cell of an entity.
    CellOf(String),
    /// A message in the inbox of an entity.
    Inbox(String),
    /// A page of the inbox of an entity.
    InboxPage(String),
    /// A parked message.
    Parked {
        /// The number that it is parked under.
        number: u64,
        /// The entity that it is parked under.
        entity: String,
    },
}

impl Stored {
    /// The reason to stop when it is not read.
    pub(crate) fn unread(self, error: DecodeError) -> StopReason {
        match error {
            DecodeError::Damaged => StopReason::Damaged(Damage::Unreadable(self)),
            DecodeError::Newer(format) => StopReason::Newer { what: self, format },
        }
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(entity) => write!(formatter, "{entity}"),
            Self::ClientKey { key, entity } => write!(formatter, "client key {key} of {entity}"),
            Self::Activity { partner, entity } => write!(formatter, "the activity of {entity} with {partner:?}"),
            Self::ClientKeys => write!(formatter, "a page of client keys"),
            Self::Cell(key) => write!(formatter, "the cell {key}"),
            Self::Outgoing { origin, number } => write!(formatter, "message {number} of partition {origin}"),
            Self::OutgoingPage { to, count } => write!(formatter, "a page of {count} messages to partition {to}"),
            Self::CellOf(entity) => write!(formatter, "a cell of {entity}"),
            Self::InboxPage(entity) => write!(formatter, "the inbox of {entity}"),
            Self::Inbox(entity) => write!(formatter, "a message in the inbox of {entity}"),
            Self::Parked { number, entity } => write!(formatter, "message {number}, parked at {entity}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_keeps_the_invariant_that_it_names() {
        let named = StopReason::of_panic("P6 broken: records became durable out of order".to_owned());
        assert!(matches!(named, StopReason::Broken { invariant: Invariant::P6, .. }));
        assert_eq!(named.to_string(), "P6 broken: records became durable out of order");
        for text in ["index out of bounds", "X9 broken: what is that"] {
            let other = StopReason::of_panic(text.to_owned());
            assert!(matches!(other, StopReason::Broken { invariant: Invariant::Assertion, .. }));
            assert_eq!(other.to_string(), text);
        }
    }
}

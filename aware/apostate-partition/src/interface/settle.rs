//! Settling by hand: what an operator decides about an operation whose ending does not come, or cannot be applied.

use std::num::NonZeroU64;

use apostate_core::Address;

use crate::message::Role;

/// An order of an operator about an operation of the entity that a request is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The client key: with the same key it is done once.
    pub key: Box<str>,
    /// The proposer of the operation.
    pub proposer: Address,
    /// The number of its try.
    pub number: NonZeroU64,
    /// The decision.
    pub verdict: SettleVerdict,
    /// The ending, if that is parked.
    pub parked: Option<ParkedEnding>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// A decision about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleVerdict {
    /// The operation is over.
    End {
        /// Whether it is confirmed; else it is cancelled.
        is_confirmed: bool,
        /// Whether its handler does not run: the operator sets the entity right by other means.
        is_without_handler: bool,
    },
    /// The settlement that is kept of an operation is dropped: its real ending, if it comes still, finds nothing.
    Forget,
}

/// The ending of an operation that is parked at its partner. What is parked under a number never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedEnding {
    /// The number under which it is parked.
    pub number: u64,
    /// The role: confirm, cancel or lapse.
    pub role: Role,
}

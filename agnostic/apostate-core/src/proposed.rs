//! An agreement that a run has proposed. Its tries stand among the messages that the run has sent.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::HandlerId;

/// Id of an agreement, by which its proposer knows it again when it is told of its outcome. It is data: an entity may keep it in its state. No other
/// agreement of the entity ever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgreementId(pub NonZeroU64);

impl AgreementId {
    /// The id of proposal number `place` of the transaction that gives its entity this version: a version is given once. The proposals of a transaction
    /// have not room for so many.
    pub(crate) fn new(version: u64, place: u32) -> Self {
        Self(NonZeroU64::MIN.saturating_add(version.wrapping_mul(1 << 16).wrapping_add(u64::from(place))))
    }
}

/// An agreement that a handler proposed, in [`Effects::proposals`](crate::Effects::proposals).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The id.
    pub id: AgreementId,
    /// Legs, each of which is a [`Try`](crate::SentAs::Try) among the messages sent. None are allowed: that is agreed at once.
    pub legs: u32,
    /// The policy.
    pub policy: Policy,
    /// How long to wait for the partners, from the transaction on. None only under a try: until the agreement above ends it.
    pub wait: Option<Duration>,
    /// The proposer's own handler that takes the outcome. None only under a try, of which the outcome is the answer.
    pub then: Option<HandlerId>,
    /// The proposer's own handler that is told of an operation that has lapsed; there if any leg can lapse.
    pub lapsed: Option<HandlerId>,
    /// Whether the agreement is on behalf of the try that the run is of, which then waits for it.
    pub is_under_try: bool,
}

/// The policy of an agreement: how many legs have to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Legs that have to accept: all of them for *all or nothing*, none for *what is offered*.
    pub needed: u32,
    /// Whether it is agreed as soon as so many have accepted; else when all have answered, or at the deadline.
    pub is_eager: bool,
}

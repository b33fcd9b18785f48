//! An agreement that a run has proposed. Its tries stand among the messages that the run has sent.

use std::time::Duration;

use crate::{AgreementId, HandlerId};

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

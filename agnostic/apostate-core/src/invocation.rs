//! An invocation: one message for one entity, with all that its run may know.

use crate::{Address, AgreementId, HandlerId, OwedAnswers, PendingTimers, Timestamp};

/// One message on its way into one entity, with the time and the seed that it brings.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The entity.
    pub to: &'a Address,
    /// The entity that sent the message; none for a client.
    pub sender: Option<&'a Address>,
    /// The handler to run.
    pub handler: HandlerId,
    /// The handler's arguments, encoded.
    pub body: &'a [u8],
    /// The time of the transaction.
    pub now: Timestamp,
    /// The seed of [`Tx::random`](crate::Tx::random).
    pub seed: u64,
    /// Whether a reply is wanted.
    pub wants_reply: bool,
    /// The version that the entity gets if the run changes it: no other run of it ever has this one.
    pub version: u64,
    /// Timers of the entity that are pending.
    pub timers: &'a dyn PendingTimers,
    /// Answers that the entity owes.
    pub owed: &'a dyn OwedAnswers,
    /// Whether the message is a try: then the run may propose on its behalf.
    pub is_try: bool,
    /// The agreement that the message tells of.
    pub agreement: Option<AgreementId>,
}

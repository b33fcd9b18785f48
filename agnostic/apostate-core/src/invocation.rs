//! An invocation: one message for one entity, with all that its run may know.

use crate::{Address, HandlerId, Timestamp};

/// One message on its way into one entity, with the time and the seed that it brings.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The entity.
    pub to: &'a Address,
    /// The entity that sent the message; none for the world outside.
    pub sender: Option<&'a Address>,
    /// The handler to run.
    pub handler: HandlerId,
    /// Its arguments, encoded.
    pub body: &'a [u8],
    /// The time of the transaction.
    pub now: Timestamp,
    /// Where [`Tx::random`] starts.
    pub seed: u64,
    /// Whether anybody waits for the reply.
    pub wants_reply: bool,
}

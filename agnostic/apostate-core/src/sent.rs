//! A message that a run has sent: for whom, and on what terms.

use std::time::Duration;

use crate::{Address, HandlerId};

/// A message that a handler sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The entity that it is for.
    pub to: Address,
    /// The handler that will run.
    pub handler: HandlerId,
    /// The meaning of a refusal to the sender.
    pub on_refused: OnRefused,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
    /// Expectation of the sender.
    pub sent_as: SentAs,
}

/// Expectation of the sender of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentAs {
    /// Nothing: the message goes one way.
    Plain,
    /// An answer.
    Asked(Asked),
    /// The receiver's part in an agreement, which its handler accepts or refuses.
    Try(TryOf),
}

/// The asker's side of a message that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The asker's own handler, which takes the answer.
    pub then: HandlerId,
    /// How long the asker waits, from its transaction on.
    pub within: Duration,
}

/// The proposer's side of a try: of the message that asks a partner to take part in an agreement. Its handler is a tentative one, and a
/// refusal of it is told to nobody but the agreement ([`OnRefused::Never`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryOf {
    /// The proposal that it belongs to, by its place in [`Effects::proposals`](crate::Effects::proposals).
    pub proposal: u32,
    /// The number of the leg in its proposal, from 0.
    pub leg: u32,
    /// The value that the partner's confirm is told beside its hold, encoded.
    pub confirm_with: Option<Box<[u8]>>,
    /// Whether the proposer reads what the partner offers.
    pub is_offer_read: bool,
    /// Whether the partner may end the operation by itself, before the agreement does.
    pub can_lapse: bool,
}

/// The meaning of a refusal to the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefused {
    /// The message cannot be refused.
    Never,
    /// A refusal is counted, and has no other effect.
    Ignore,
    /// The sender's own handler is told.
    Tell {
        /// The handler.
        handler: HandlerId,
    },
}

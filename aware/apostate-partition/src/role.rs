//! Roles of messages: the part that one plays between its sender and its receiver, and the numbers by which layouts know them.
//!
//! What the platform does in each role stands in `run/roles`.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/newer.rs`.

use crate::format::{DecodeError, Format};

/// Role of a message: the part that it plays between its sender and its receiver.
///
/// Numbers 10 and 11 are set aside for index and egress. A build reads the roles that it can play; any other is a
/// [`NewerFormat`](crate::NewerFormat).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// A message whose handler runs, and no more.
    #[default]
    Plain = 0,
    /// A message that was asked: its asker is told how it ends, by a [`Reply`](Self::Reply) to the handler that
    /// [`OnRefused::Tell`](apostate_core::OnRefused::Tell) names. `about` is the number of the ask.
    Ask = 1,
    /// The answer to an ask, whose number `about` is.
    Reply = 2,
    /// A try: the partner is asked to hold something for an agreement. `about` is the number of the leg, here and in its answer and its ending. The body
    /// begins with a head (`bodies.rs`), the arguments follow.
    Try = 3,
    /// The answer to a try: it is held. The body is what the partner offers.
    Accepted = 4,
    /// The answer to a try: it is not held. The body is the refusal.
    Refused = 5,
    /// The ending of an operation: what is held is used. The body is the value of the confirm, if it has one; a partner that has
    /// lapsed tells the handler that [`OnRefused::Tell`](apostate_core::OnRefused::Tell) names.
    Confirm = 6,
    /// The ending of an operation: what is held is put back.
    Cancel = 7,
    /// From a partner to itself: an operation is cancelled without its proposer. The body is the proposer.
    Lapse = 8,
    /// The message of a timer that is due, from an entity to itself. `about` is the timer's order: the handler runs if the timer is still there. A
    /// message without that is of a timer no longer, and its handler runs.
    Timer = 9,
    /// From a proposer to itself: an agreement has expired, whose number `about` is.
    Deadline = 12,
    /// The deadline of an answer that an entity owes, from the entity to itself. `about` is the number of the answer. No handler runs.
    Overdue = 13,
}

impl Role {
    /// Whether a message of this role ends an operation.
    #[must_use]
    pub fn ends_operation(self) -> bool {
        matches!(self, Self::Confirm | Self::Cancel | Self::Lapse)
    }

    pub(crate) fn of(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Ask),
            2 => Ok(Self::Reply),
            3 => Ok(Self::Try),
            4 => Ok(Self::Accepted),
            5 => Ok(Self::Refused),
            6 => Ok(Self::Confirm),
            7 => Ok(Self::Cancel),
            8 => Ok(Self::Lapse),
            9 => Ok(Self::Timer),
            12 => Ok(Self::Deadline),
            13 => Ok(Self::Overdue),
            _ => Err(DecodeError::newer(Format::Role, number)),
        }
    }
}

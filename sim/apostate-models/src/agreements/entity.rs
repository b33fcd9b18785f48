//! Cells of one entity: what it needs as a proposer, as a partner, and what its author keeps.
//!
//! Beside them stands what only checkers read: [`Past`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One tentative operation: agreement and leg. The agreement's number says whose it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// The agreement.
    pub agreement: u8,
    /// The leg.
    pub leg: u8,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.agreement, self.leg)
    }
}

/// Proposer, number of the agreement, leg: the key of the cell in which a partner keeps an operation.
pub type Key = (u8, u8, u8);

/// A message between entities, or of one to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// To a partner: hold this.
    Try(Operation),
    /// To the proposer: it is held.
    Accepted(Operation),
    /// To the proposer: it is not, because the partner refuses or its handler fails.
    Refused(Operation),
    /// To a partner: what is held is used.
    Confirm(Operation),
    /// To a partner: what is held is put back.
    Cancel(Operation),
    /// To a partner itself: the time of an operation is over.
    Lapse(Operation),
    /// To the proposer, for its author's handler: there was nothing left to confirm.
    Lapsed(Operation),
    /// To the proposer itself: the deadline of an agreement has passed.
    Deadline(u8),
    /// To the proposer itself, for its author's handler: an agreement is decided.
    Then(u8),
}

/// One leg of an agreement that is not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// Not answered.
    Open,
    /// Answered with yes.
    Accepted,
    /// Answered with no.
    Refused,
}

/// An agreement that is not decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// How many legs have accepted.
    pub accepted: u8,
    /// How many have refused.
    pub refused: u8,
    /// Each leg.
    pub legs: Vec<Leg>,
}

impl Header {
    /// The legs in this state, as bits.
    pub(super) fn bits(&self, state: Leg) -> u8 {
        let legs = self.legs.iter().enumerate().filter(|(_, leg)| **leg == state);
        legs.fold(0, |bits, (at, _)| bits | 1 << at)
    }
}

/// The cells of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entity {
    /// As a proposer: agreements that are not decided.
    pub undecided: BTreeMap<u8, Header>,
    /// As a proposer on behalf of a try: agreements that are agreed and wait for the ending of that try. Legs that
    /// have accepted are bits.
    pub waiting: BTreeMap<u8, u8>,
    /// As a proposer: timers.
    pub deadlines: BTreeSet<u8>,
    /// As a partner: operations that have no ending yet.
    pub open: BTreeMap<Key, Operation>,
    /// As a partner: timers of operations that may lapse.
    pub lapses: BTreeSet<Operation>,
    /// Messages whose handler fails for good.
    pub parked: Vec<Message>,
    /// The author's: what can be promised.
    pub on_hand: i8,
    /// The author's: what is promised.
    pub held: i8,
    /// The author's: what is gone.
    pub sold: i8,
    /// The part that only checkers read.
    pub past: Past,
}

impl Entity {
    /// The author's handler for an ending: of three, but a lapse is a cancel to it.
    pub(super) fn end(&mut self, operation: Operation, ending: Message) {
        let seen = self.past.operations.entry(operation).or_default();
        let (count, place) = match ending {
            Message::Confirm(_) => (&mut seen.confirmed, &mut self.sold),
            Message::Lapse(_) => (&mut seen.lapsed, &mut self.on_hand),
            _ => (&mut seen.cancelled, &mut self.on_hand),
        };
        *count += 1;
        *place += 1;
        self.held -= 1;
    }
}

/// How an agreement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Enough have accepted.
    Agreed,
    /// Too many have refused.
    Refused,
    /// The deadline came first.
    Expired,
    /// The try on whose behalf it was proposed was cancelled.
    Withdrawn,
}

/// A decision, for the checkers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// How it ended.
    pub outcome: Outcome,
    /// The legs that are to be confirmed, as bits.
    pub confirmed: u8,
    /// How often it was decided.
    pub times: u8,
}

/// How often something happened to an operation, for the checkers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Times it was accepted.
    pub accepted: u8,
    /// Times it was confirmed.
    pub confirmed: u8,
    /// Times it was cancelled.
    pub cancelled: u8,
    /// Times it has lapsed.
    pub lapsed: u8,
}

/// The past, for the checkers. It is durable and undone with everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// Agreements proposed.
    pub proposed: BTreeSet<u8>,
    /// Agreements decided.
    pub decided: BTreeMap<u8, Decision>,
    /// How often the author's handler was told of each.
    pub told: BTreeMap<u8, u8>,
    /// How often the author's handler was told that an operation had lapsed.
    pub told_of_lapse: BTreeMap<Operation, u8>,
    /// Operations at this partner.
    pub operations: BTreeMap<Operation, Seen>,
    /// Whether the entity was deleted, and how much it had then.
    pub written_off: Option<i8>,
}

impl Past {
    pub(super) fn decide(&mut self, agreement: u8, outcome: Outcome, confirmed: u8) {
        let times = self.decided.get(&agreement).map_or(1, |decision| decision.times + 1);
        self.decided.insert(agreement, Decision { outcome, confirmed, times });
    }
}

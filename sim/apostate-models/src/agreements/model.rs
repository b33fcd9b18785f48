//! The model: a scenario, the rule that is broken in it, and the steps that its world can take.

use std::sync::Arc;

use super::entity::{Message, Operation};
use super::scenario::Scenario;
use super::world::Pair;
use super::wrong::Wrong;
use crate::count::Count;

/// A scenario, and perhaps a rule that is broken in it.
#[derive(Clone, Debug)]
pub struct Agreements {
    /// The entities and agreements, and what may go wrong.
    pub scenario: Scenario,
    /// The rule that is broken.
    pub wrong: Option<Wrong>,
    /// Situations that were reached on the way.
    pub coverage: Arc<Coverage>,
}

/// How often something worth modelling happened: scenarios in which it never did prove little.
#[derive(Debug, Default)]
pub struct Coverage {
    /// An agreement was agreed.
    pub agreed: Count,
    /// An agreement was agreed although somebody had refused or not answered.
    pub agreed_without_some: Count,
    /// An agreement was refused.
    pub refused: Count,
    /// An agreement expired.
    pub expired: Count,
    /// An answer came after the decision.
    pub late_answers: Count,
    /// A deadline came after the decision.
    pub late_deadlines: Count,
    /// A try found nothing on hand.
    pub sold_out: Count,
    /// A cancel found no operation.
    pub cancels_without_try: Count,
    /// A confirm or cancel was parked.
    pub parked_endings: Count,
    /// The message that tells the author of a decision was parked.
    pub parked_thens: Count,
    /// A confirm found that its operation had lapsed.
    pub lapsed: Count,
    /// A timer of an operation that had ended was too late.
    pub late_lapses: Count,
    /// The ending of a try reached the agreement on its behalf, which was agreed.
    pub passed_down: Count,
    /// A cancel of a try reached the agreement on its behalf, which was not decided.
    pub withdrawn: Count,
    /// A deletion was refused.
    pub kept: Count,
    /// An entity was deleted.
    pub deleted: Count,
    /// A batch was undone.
    pub undone: Count,
}

/// The end of a handler run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// The handler succeeds.
    Succeeds,
    /// The handler refuses.
    Refuses,
    /// The handler panics, as often as it runs.
    Panics,
}

/// A step that the world can take next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An agreement is proposed.
    Propose(u8),
    /// The next message of a pair is handled.
    Handle(Pair, Message, Run),
    /// An agreement's deadline passes.
    Fire(u8),
    /// The time of an operation that may lapse is over.
    Lapse(u8, Operation),
    /// An operator retries a parked message, and it succeeds, or settles it by hand.
    Settle(u8, Message),
    /// An entity deletes itself.
    Delete(u8),
    /// The batch of a partition becomes durable.
    Commit(usize),
    /// The batch of a partition is given up, by a panic or a crash.
    Undo(usize),
    /// A partner gives up waiting: see [`Wrong::PartnerDecides`].
    GiveUp(u8),
}

impl Action {
    /// Whether it may as well never happen.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Propose(_) | Self::Delete(_) | Self::Undo(_) | Self::GiveUp(_))
    }
}

impl Agreements {
    /// A scenario by the rules.
    #[must_use]
    pub fn right(scenario: Scenario) -> Self {
        Self { scenario, wrong: None, coverage: Arc::default() }
    }

    /// A scenario with one rule broken.
    #[must_use]
    pub fn wrong(scenario: Scenario, wrong: Wrong) -> Self {
        Self { wrong: Some(wrong), ..Self::right(scenario) }
    }

    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }
}

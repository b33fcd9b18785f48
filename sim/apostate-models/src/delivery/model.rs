//! The model: a scenario, the rule that is broken in it, and the steps that its world can take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use apostate_log::PartitionId;

use super::scenario::Scenario;
use super::world::Frame;
use super::wrong::Wrong;
use crate::count::Count;

/// A scenario, and perhaps a rule that is broken in it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The partitions and messages, and how much may go wrong.
    pub scenario: Scenario,
    /// The rule that is broken.
    pub wrong: Option<Wrong>,
    /// Whether frames stay under way that cannot change anything any more. Makes many states of one.
    pub keeps_dead_frames: bool,
    /// Situations that were reached on the way.
    pub coverage: Arc<Coverage>,
    pub(super) ends: Arc<Ends>,
}

/// How often something worth modelling happened: a scenario in which it never did proves little.
#[derive(Debug, Default)]
pub struct Coverage {
    /// A message at or below its watermark was dropped.
    pub duplicates: Count,
    /// The answer of a sender of an older generation was refused.
    pub refused: Count,
    /// A session of an older generation was closed by one of a newer.
    pub closed: Count,
    /// Rectangles of a retired origin were forgotten.
    pub forgotten: Count,
    /// An outgoing message moved into the inbox of the partition that now has both its ends.
    pub inside: Count,
    /// Such a message had been applied already.
    pub inside_duplicates: Count,
}

/// A step that the world can take next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The entity at the source of a pair sends its next message.
    Send(u8),
    /// The changes of a partition become durable.
    Commit(PartitionId),
    /// A partition's process dies and starts again.
    Crash(PartitionId),
    /// A partition is opened elsewhere; its old writer does not know yet.
    Move(PartitionId),
    /// A receiver asks a sender for a new session.
    Open(PartitionId, PartitionId),
    /// A frame arrives, for the second time perhaps.
    Arrive(Frame),
    /// A frame arrives at a writer that is none any more.
    ArriveLate(Frame),
    /// A message arrives whose entity has to be loaded first.
    Accept(Frame),
    /// The oldest message of an inbox is handled.
    Handle(PartitionId, u64),
    /// The log of a parent is sealed.
    Seal(PartitionId),
    /// A child begins its log.
    Begin(PartitionId),
    /// Outgoing messages whose target is inside now move into inboxes, later than they should: see [`Wrong::InsideMovedLate`].
    DrainLate(PartitionId),
}

impl Delivery {
    /// A scenario by the rules.
    #[must_use]
    pub fn right(scenario: Scenario) -> Self {
        Self { scenario, wrong: None, keeps_dead_frames: false, coverage: Arc::default(), ends: Arc::default() }
    }

    /// A scenario with one rule broken.
    #[must_use]
    pub fn wrong(scenario: Scenario, wrong: Wrong) -> Self {
        // A broken rule may raise the dead.
        let keeps_dead_frames = wrong.raises_the_dead();
        Self { wrong: Some(wrong), keeps_dead_frames, ..Self::right(scenario) }
    }

    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }
}

/// Endings of states in a kind world, remembered. States that differ only in parts that are forgotten anyway share one.
#[derive(Debug, Default)]
pub(super) struct Ends(pub(super) Mutex<HashMap<u64, End>>);

/// The end that a state reaches in a kind world.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Everything that was sent, and was sent from there on, is applied, and nothing is left on its way.
    pub(super) is_at_rest: bool,
    /// Receivers remember no more than one rectangle and one generation of each sender that there is.
    pub(super) is_lean: bool,
}

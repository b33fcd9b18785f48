//! A node, which is one entity with what the platform keeps beside it; and what is on its way to it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::num::NonZeroU64;

use apostate_core::{Address, AgreementId, HandlerId, OnRefused, OwedAnswers, Timestamp};
use apostate_log::PartitionId;
use apostate_partition::rectangles::{Area, Change, Origin, Rectangles};
use apostate_partition::{Range, Role};

pub(super) use super::ids::{AskId, LaneId, NodeId};

use super::agreement::{Agreement, Operation, TryName};
use super::timers::{Posted, Timers};
use crate::call::Answer;
use crate::simulation::AskKind;
use crate::twins::Committed;
use apostate_world::{BEGINNING, Moment};

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) from: NodeId,
    /// Number of the message at the node that sent it.
    pub(super) number: u64,
    pub(super) handler: HandlerId,
    pub(super) role: Role,
    /// The number of the ask, the try or the agreement that it is about, at the node that began it; 0 if it is about none.
    pub(super) about: u64,
    pub(super) on_refused: OnRefused,
    pub(super) body: Vec<u8>,
    /// The line of the trace in which it was sent.
    pub(super) cause: u64,
    /// The timer that it is the message of, if it is for its own entity.
    pub(super) timer: Option<Posted>,
}

impl Message {
    /// The agreement that its handler is told of.
    pub(super) fn agreement(&self) -> Option<AgreementId> {
        NonZeroU64::new(self.about).filter(|_| self.role == Role::Plain).map(AgreementId)
    }
}

/// A message that was accepted, and waits.
pub(super) struct Waiting {
    pub(super) message: Message,
    pub(super) attempts: u32,
    /// When it was tried for the first time.
    pub(super) since: Moment,
}

/// An ask whose answer was not taken yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenAsk {
    pub(super) then: HandlerId,
    pub(super) partner: NodeId,
}

/// Something that has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    /// An ask, by its number.
    Ask(u64),
    /// An agreement, by its number.
    Agreement(u64),
    /// An answer that is owed, by its number.
    Owed(u64),
    /// An operation that may lapse.
    Operation(TryName),
}

/// An ordered pair of entities, and the messages from one to the other.
pub(super) struct Lane {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// Messages that were not acknowledged, oldest first.
    pub(super) queue: VecDeque<Message>,
}

/// A client's request.
pub(super) struct Ask {
    pub(super) to: NodeId,
    pub(super) message: Message,
    pub(super) ask_kind: AskKind,
    /// The answer, until the client takes it.
    pub(super) answer: Option<Answer>,
    /// An answer was under way and got lost.
    pub(super) lost: Option<Answer>,
}

/// One entity, and what the platform keeps beside it.
pub(super) struct Node {
    pub(super) address: Address,
    /// The number of its kind.
    pub(super) kind: usize,
    pub(super) committed: Committed,
    /// Watermarks of the messages that were applied here, for each sender.
    pub(super) watermarks: Rectangles,
    /// The number of the newest message that it sent.
    pub(super) sent: u64,
    pub(super) inbox: VecDeque<Waiting>,
    /// Asks whose answer it has not taken, by number.
    pub(super) open_asks: BTreeMap<u64, OpenAsk>,
    /// Agreements that it has proposed and that are not over, by number.
    pub(super) agreements: BTreeMap<u64, Agreement>,
    /// Tries without an answer, by number: of which agreement, and which of its legs.
    pub(super) tries: BTreeMap<u64, (u64, usize)>,
    /// Operations that it holds, by the tries.
    pub(super) operations: BTreeMap<TryName, Operation>,
    /// Answers that it owes, by number.
    pub(super) owed: BTreeMap<u64, Waiter>,
    /// Answers that were given to the outside, by client key.
    pub(super) keys: BTreeMap<AskId, Answer>,
    /// When the node is up again after a crash.
    pub(super) back: Moment,
    /// A message has been stopped by a crash, in a world in which every commit is.
    pub(super) is_second_time: bool,
    /// Transactions that have changed it, in all of its lives.
    pub(super) version: u64,
    pub(super) timers: Timers,
    /// When the world has its next timer fall due.
    pub(super) alarm: Option<Moment>,
    clock_off: u64,
    last_time: u64,
}

impl Node {
    pub(super) fn new(address: Address, kind: usize, clock_off: u64) -> Self {
        Self {
            address,
            kind,
            committed: Committed::default(),
            watermarks: Rectangles::default(),
            sent: 0,
            inbox: VecDeque::new(),
            open_asks: BTreeMap::new(),
            agreements: BTreeMap::new(),
            tries: BTreeMap::new(),
            operations: BTreeMap::new(),
            owed: BTreeMap::new(),
            keys: BTreeMap::new(),
            back: 0,
            is_second_time: false,
            version: 0,
            timers: Timers::default(),
            alarm: None,
            clock_off,
            last_time: 0,
        }
    }

    /// The time on the node's clock; never less than before.
    pub(super) fn time(&mut self, now: Moment) -> Timestamp {
        self.last_time = self.last_time.max(BEGINNING + now / 1000 + self.clock_off);
        Timestamp(self.last_time)
    }

    /// When its next timer is due, in the time of the world.
    pub(super) fn alarm(&self) -> Option<Moment> {
        let due = self.timers.next_due()?;
        Some(due.0.saturating_sub(BEGINNING + self.clock_off).saturating_mul(1000))
    }

    /// Whether a client waits for an answer that is owed.
    pub(super) fn waits(&self, ask: AskId) -> bool {
        self.owed.values().any(|waiter| matches!(waiter, Waiter::Client(other) if *other == ask))
    }

    /// Whether this message of that sender has been applied.
    pub(super) fn has_applied(&self, from: NodeId, sender: u64, number: u64) -> bool {
        number <= self.watermarks.applied(&origin(from), sender, self.address.hash())
    }

    /// Raises the watermark, as part of a commit.
    pub(super) fn apply(&mut self, from: NodeId, sender: u64, number: u64) {
        let here = self.address.hash();
        let area = Area { source: Range::new(sender, sender), target: Range::new(here, here) };
        self.watermarks.raise(&origin(from), area, number, &mut Change::default());
    }
}

fn origin(node: NodeId) -> Origin {
    Origin::Partition(PartitionId(u64::from(node) + 1))
}

/// The one that waits for an answer.
#[derive(Clone, Debug)]
pub(super) enum Waiter {
    Client(AskId),
    /// The entity that has asked, by this message.
    Asker(Message),
}

/// Answers that a node owes, as a run sees them.
pub(super) struct OwedBy<'a>(pub(super) &'a BTreeMap<u64, Waiter>);

impl fmt::Debug for OwedBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl OwedAnswers for OwedBy<'_> {
    fn is_owed(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }
}

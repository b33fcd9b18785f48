//! Scenarios: the partitions there are, which entities send to which, and how much may go wrong.

use std::fmt;

use apostate_log::PartitionId;
use apostate_partition::Range;

/// One change of the map.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// `parent` becomes two; `last` is the last point of the first child.
    Split {
        /// Which one.
        parent: u64,
        /// Where.
        last: u64,
        /// Into which.
        children: (u64, u64),
    },
    /// Two neighbours, the lower one first, become one.
    Merge {
        /// Which ones.
        parents: (u64, u64),
        /// Into which.
        child: u64,
    },
}

/// A message between entities. Its identity is (origin, number); pair and label say which one it is for the checkers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// The partition in which it was sent.
    pub origin: PartitionId,
    /// The message's number there.
    pub number: u64,
    /// Which pair of entities.
    pub pair: u8,
    /// The how many-th of its pair, from 1.
    pub label: u8,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, number, pair, label } = self;
        write!(f, "{origin}#{number} (pair {pair}, its {label}.)")
    }
}

/// One entity that sends to another, by their hashes.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The sender's hash.
    pub source: u64,
    /// The receiver's hash.
    pub target: u64,
    /// How many messages it sends at most.
    pub messages: u8,
}

/// The bounds of one model.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name in reports.
    pub name: &'static str,
    /// The first map: partitions from id 1 on, by the last point of the ring that each has.
    pub tiles: Vec<u64>,
    /// Senders and their receivers.
    pub pairs: Vec<Pair>,
    /// Splits and merges, one after the other; when each happens is open.
    pub plan: Vec<Change>,
    /// How many sessions a receiver asks of one sender at most.
    pub sessions: u8,
    /// How many processes die.
    pub crashes: u8,
    /// How many partitions are opened elsewhere while the old writer lives on.
    pub moves: u8,
    /// How many requests for a session are answered twice.
    pub doubles: u8,
    /// Whether a commit is a step of its own.
    pub pipeline: bool,
    /// Whether entities may have to be loaded, so that messages wait in inboxes.
    pub inboxes: bool,
}

impl Scenario {
    /// Nothing goes wrong and nobody sends: the base for the others.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            tiles: Vec::new(),
            pairs: Vec::new(),
            plan: Vec::new(),
            sessions: 2,
            crashes: 0,
            moves: 0,
            doubles: 0,
            pipeline: false,
            inboxes: false,
        }
    }

    /// The pair of a message.
    #[must_use]
    pub fn pair(&self, message: &Message) -> Pair {
        self.pairs[usize::from(message.pair)]
    }

    /// The first map.
    #[must_use]
    pub fn map(&self) -> Vec<(PartitionId, Range)> {
        let firsts = std::iter::once(0).chain(self.tiles.iter().map(|last| last + 1));
        let tiles = firsts.zip(&self.tiles).zip(1..);
        tiles.map(|((first, &last), id)| (PartitionId(id), Range::new(first, last))).collect()
    }

    /// The last point of the ring.
    #[must_use]
    pub fn last_point(&self) -> u64 {
        self.tiles.last().copied().unwrap_or(0)
    }
}

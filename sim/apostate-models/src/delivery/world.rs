//! Partitions, and the frames between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::Range;
use apostate_partition::rectangles::Rectangles;

use super::scenario::{Message, Scenario};

/// Which incarnation of a sender speaks: the version of the map that made it, then its epoch.
pub type Generation = (u64, u64);

/// The contents of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cells {
    /// The highest number given out.
    pub counter: u64,
    /// How many messages the source entity of each pair has sent: the state of that entity.
    pub sent: BTreeMap<u8, u8>,
    /// Messages that the target entity of each pair has applied, in that order: the state of that entity.
    pub applied: BTreeMap<u8, Vec<u8>>,
    /// Sent, not acknowledged: oldest first per origin, ancestors' origins first.
    pub outbox: Vec<Message>,
    /// Accepted, not handled: in order per entity.
    pub inbox: Vec<Message>,
    /// How far messages were applied.
    pub rectangles: Rectangles,
    /// The newest generation seen of a source range.
    pub generations: BTreeMap<Range, Generation>,
}

impl Cells {
    /// How many messages the source entity of `pair` has sent.
    #[must_use]
    pub fn sent(&self, pair: u8) -> u8 {
        self.sent.get(&pair).copied().unwrap_or(0)
    }

    /// The newest generation remembered for any part of `range`.
    #[must_use]
    pub fn newest(&self, range: Range) -> Generation {
        let parts = self.generations.iter().filter(|(part, _)| part.and(range).is_some());
        parts.map(|(_, generation)| *generation).max().unwrap_or_default()
    }

    /// Forgets the generations of `source`, and of nothing beside it.
    pub fn forget_generations(&mut self, source: Range) {
        let before = std::mem::take(&mut self.generations);
        for (range, generation) in before {
            let rest = if range.and(source).is_some() { range.around(source) } else { [Some(range), None] };
            self.generations.extend(rest.into_iter().flatten().map(|range| (range, generation)));
        }
    }
}

/// A session as its sender sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The partition that asked.
    pub receiver: PartitionId,
    /// The receiver's range.
    pub target: Range,
    /// The session's name in frames.
    pub name: u8,
    /// Whether the receiver has the floors durable.
    pub is_ready: bool,
    /// Under way, in order; the first is that of frame `acked + 1`.
    pub sent: Vec<Message>,
    /// The highest frame that was acknowledged.
    pub acked: u8,
}

/// A session as its receiver sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Intake {
    /// The partition that was asked.
    pub sender: PartitionId,
    /// The sender's range.
    pub source: Range,
    /// The number that names the question.
    pub nonce: u8,
    /// The session's name in frames, once the sender has answered.
    pub name: Option<u8>,
    /// Which incarnation of the sender has answered.
    pub generation: Generation,
    /// The highest frame taken.
    pub received: u8,
}

/// A partition: what its log keeps, and what a crash forgets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition {
    /// Id, for ever.
    pub id: PartitionId,
    /// Range, for ever.
    pub range: Range,
    /// The generation of this writer.
    pub generation: Generation,
    /// The origins whose messages it may carry, ancestors first, its own last.
    pub lineage: Vec<PartitionId>,
    /// Whether its log is sealed: its children go on.
    pub is_sealed: bool,
    /// The cells as the log has them.
    pub durable: Cells,
    /// The cells as the partition works with them, if the log does not have all of it yet.
    pub working: Option<Cells>,
    /// Acknowledged: the next record trims it.
    pub trims: Vec<Message>,
    /// Frames that may leave when the log has everything up to here.
    pub held: Vec<Frame>,
    /// As a sender: the newest session of each receiver.
    pub sessions: Vec<Session>,
    /// As a receiver: the newest session with each sender.
    pub intakes: Vec<Intake>,
}

impl Partition {
    /// A partition that has just begun.
    #[must_use]
    pub fn new(id: PartitionId, range: Range, map_version: u64, lineage: Vec<PartitionId>, durable: Cells) -> Self {
        Self {
            id,
            range,
            generation: (map_version, 1),
            lineage,
            is_sealed: false,
            durable,
            working: None,
            trims: Vec::new(),
            held: Vec::new(),
            sessions: Vec::new(),
            intakes: Vec::new(),
        }
    }

    /// The cells that the partition works with.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        self.working.as_ref().unwrap_or(&self.durable)
    }

    /// The cells that the partition works with, to be changed.
    pub fn edit(&mut self) -> &mut Cells {
        self.working.get_or_insert_with(|| self.durable.clone())
    }

    /// The log has everything.
    pub fn commit(&mut self) {
        if !self.trims.is_empty() {
            let trims = std::mem::take(&mut self.trims);
            self.edit().outbox.retain(|message| !trims.contains(message));
        }
        if let Some(cells) = self.working.take() {
            self.durable = cells;
        }
    }

    /// Messages that are not acknowledged, oldest first.
    pub fn queue(&self) -> impl Iterator<Item = &Message> {
        self.cells().outbox.iter().filter(|message| !self.trims.contains(message))
    }

    /// A crash: the process starts again from the log.
    pub fn crash(&mut self) {
        self.working = None;
        self.trims.clear();
        self.held.clear();
        self.sessions.clear();
        self.intakes.clear();
        self.generation.1 += 1;
    }
}

/// A frame on its way from one partition to another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// The sender.
    pub from: PartitionId,
    /// To whom.
    pub to: PartitionId,
    /// The content.
    pub word: Word,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, word } = self;
        write!(f, "{from} to {to}: {word:?}")
    }
}

/// The kinds of frames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// Receiver: send me what you have for this range.
    Open {
        /// The question.
        nonce: u8,
        /// The receiver's range.
        target: Range,
        /// Whether a sender has answered it, so that the next answer is a double. For the bounds alone.
        is_answered: bool,
    },
    /// Sender: this is who I am.
    Opened {
        /// The question.
        nonce: u8,
        /// The session's name from here on.
        name: u8,
        /// The sender's range.
        source: Range,
        /// The sender's incarnation.
        generation: Generation,
        /// Each origin that it carries, with the floor.
        origins: Vec<(PartitionId, u64)>,
    },
    /// Receiver: your floors are durable.
    Ready {
        /// The session.
        name: u8,
    },
    /// Sender: a message.
    Message {
        /// The session.
        name: u8,
        /// Number of the frame, from 1, dense.
        frame: u8,
        /// The message in the frame.
        message: Message,
    },
    /// Receiver: everything up to this frame is durable.
    Ack {
        /// The session.
        name: u8,
        /// The highest frame whose record is durable.
        frame: u8,
    },
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Every partition whose log is needed, in order of their ids.
    pub partitions: Vec<Arc<Partition>>,
    /// Writers that are none any more, and do not know.
    pub zombies: Vec<Arc<Partition>>,
    /// Every frame that was sent and may still change something.
    pub network: BTreeSet<Frame>,
    /// How many sessions were asked for and answered, by receiver and sender: nonces and names never come again.
    pub rng: BTreeMap<(PartitionId, PartitionId), (u8, u8)>,
    /// How many changes of the plan are finished.
    pub changed: u8,
    /// When a partition was retired that a zombie is still left of: the version of the map.
    pub retired: BTreeMap<PartitionId, u64>,
    /// How many crashes, moves and doubled answers may still come.
    pub crashes: u8,
    /// See `crashes`.
    pub moves: u8,
    /// See `crashes`.
    pub doubles: u8,
}

impl World {
    /// How it begins.
    #[must_use]
    pub fn first(scenario: &Scenario) -> Self {
        let tiles = scenario.map().into_iter();
        let partitions =
            tiles.map(|(id, range)| Arc::new(Partition::new(id, range, 1, vec![id], Cells::default()))).collect();
        Self {
            partitions,
            zombies: Vec::new(),
            network: BTreeSet::new(),
            rng: BTreeMap::new(),
            changed: 0,
            retired: BTreeMap::new(),
            crashes: scenario.crashes,
            moves: scenario.moves,
            doubles: scenario.doubles,
        }
    }

    /// Partitions that are served.
    pub fn serving(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().map(Arc::as_ref).filter(|partition| !partition.is_sealed)
    }

    /// The partition `id`, if it is served.
    #[must_use]
    pub fn find(&self, id: PartitionId) -> Option<&Partition> {
        self.serving().find(|partition| partition.id == id)
    }

    /// The partition that has `point`, if it is served.
    #[must_use]
    pub fn find_at(&self, point: u64) -> Option<&Partition> {
        self.serving().find(|partition| partition.range.contains(point))
    }

    /// The partition `id`, to be changed, if it is served.
    pub fn find_mut(&mut self, id: PartitionId) -> Option<&mut Partition> {
        self.partitions.iter_mut().find(|partition| partition.id == id && !partition.is_sealed).map(Arc::make_mut)
    }

    /// How many sessions `receiver` has asked of `sender`.
    #[must_use]
    pub fn asked(&self, receiver: PartitionId, sender: PartitionId) -> u8 {
        self.rng.get(&(receiver, sender)).map_or(0, |(asked, _)| *asked)
    }

    /// Whether `receiver` may believe that there is a `sender`. Its map is never older than the one that made it.
    #[must_use]
    pub fn may_ask(&self, receiver: &Partition, sender: &Partition) -> bool {
        let retired = self.retired.get(&sender.id);
        retired.is_none_or(|version| *version > receiver.generation.0) && sender.range.and(receiver.range).is_none()
    }

    /// Takes frames away that cannot change anything any more, whatever happens: it makes states equal that are.
    pub fn forget_dead_frames(&mut self) {
        let mut network = std::mem::take(&mut self.network);
        network.retain(|frame| self.is_alive(frame));
        self.network = network;
    }

    fn is_alive(&self, frame: &Frame) -> bool {
        let Frame { from, to, word } = frame;
        let intake = || self.find(*to).and_then(|partition| partition.intakes.iter().find(|it| it.sender == *from));
        let mut senders = self.serving().chain(self.zombies.iter().map(Arc::as_ref)).filter(|it| it.id == *to);
        let session = |sender: &Partition, called: u8| {
            sender.sessions.iter().find(|session| session.receiver == *from && session.name == called).cloned()
        };
        match word {
            Word::Open { is_answered, .. } => {
                let is_spent = *is_answered && self.doubles == 0;
                !is_spent && self.find(*from).is_some() && senders.next().is_some()
            }
            Word::Opened { nonce, .. } => intake().is_some_and(|it| it.nonce == *nonce && it.name.is_none()),
            Word::Ready { name } => {
                self.find(*from).is_some()
                    && senders.any(|sender| session(sender, *name).is_some_and(|session| !session.is_ready))
            }
            Word::Message { name, frame, .. } => {
                intake().is_some_and(|it| it.name == Some(*name) && it.received < *frame)
            }
            Word::Ack { name, frame } => {
                self.find(*to).and_then(|sender| session(sender, *name)).is_some_and(|session| session.acked < *frame)
            }
        }
    }
}

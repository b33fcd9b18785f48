//! Parked messages, until an operator decides.
//!
//! However many there are, memory has no more of them than their numbers and their entities, and the messages themselves only
//! until a checkpoint holds them: what an operator decides about is read back.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/parked.rs`.

mod split;

use std::collections::{BTreeMap, BTreeSet};

use apostate_core::{Address, EntityKey, KindId};

use crate::cells::parked::Parked;
use crate::interface::ParkedCommand;
use crate::message::Message;

/// The generation of what the store has.
const STORED: u64 = 0;

/// The generation of what is in a batch that is open.
const OPEN: u64 = u64::MAX;

/// The name of a parked message: its entity, and a number of the partition in which it was parked. Two partitions give out equal numbers, and
/// those of one entity come from one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ParkedName {
    hash: u64,
    kind: KindId,
    key: EntityKey,
    number: u64,
}

impl ParkedName {
    pub(crate) fn new(to: &Address, number: u64) -> Self {
        Self { hash: to.hash(), kind: to.kind(), key: to.key().clone(), number }
    }

    fn of(command: &ParkedCommand) -> Self {
        Self::new(&command.to, command.number)
    }
}

/// A parked message that is in memory, and the generation whose checkpoint holds it.
pub(crate) struct ParkedInMemory {
    parked: Parked,
    generation: u64,
}

impl ParkedInMemory {
    pub(crate) fn message(&self) -> &Message {
        &self.parked.message
    }
}

/// The parked messages of a partition, by their names. Each is in one of the two collections.
#[derive(Default)]
pub(crate) struct ParkedMessages {
    in_memory: BTreeMap<ParkedName, ParkedInMemory>,
    /// Those that only the store has.
    stored: BTreeSet<ParkedName>,
    /// Those that are being read back, each once.
    asked: BTreeSet<ParkedName>,
    /// Commands on them.
    waiting: Vec<ParkedCommand>,
}

impl ParkedMessages {
    pub(crate) fn count(&self) -> usize {
        self.in_memory.len() + self.stored.len()
    }

    /// Whether no command waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives the commands that wait: they wait no more.
    pub(crate) fn turn_away(&mut self) -> impl Iterator<Item = ParkedCommand> {
        self.waiting.drain(..)
    }

    /// One is parked by the open batch.
    pub(crate) fn park(&mut self, number: u64, parked: Parked) {
        self.put(number, ParkedInMemory { parked, generation: OPEN });
    }

    /// One is in memory from now on.
    pub(crate) fn put(&mut self, number: u64, parked: ParkedInMemory) {
        let name = ParkedName::new(&parked.message().to, number);
        self.stored.remove(&name);
        self.in_memory.insert(name, parked);
    }

    /// One that is in memory.
    pub(crate) fn find(&self, to: &Address, number: u64) -> Option<&Message> {
        self.in_memory.get(&ParkedName::new(to, number)).map(ParkedInMemory::message)
    }

    /// One is not parked any more.
    pub(crate) fn take(&mut self, to: &Address, number: u64) -> Option<ParkedInMemory> {
        self.in_memory.remove(&ParkedName::new(to, number))
    }

    /// Those of an entity that are in memory, with their numbers.
    pub(crate) fn in_memory_of(&self, to: &Address) -> impl Iterator<Item = (u64, &Message)> {
        let range = ParkedName::new(to, 0)..=ParkedName::new(to, u64::MAX);
        self.in_memory.range(range).map(|(name, parked)| (name.number, parked.message()))
    }

    /// Whether one is parked, and not being read back for a command.
    pub(crate) fn may_take(&self, to: &Address, number: u64) -> bool {
        let name = ParkedName::new(to, number);
        self.in_memory.contains_key(&name) || (self.stored.contains(&name) && !self.asked.contains(&name))
    }

    /// One that only the store has is parked all the same.
    pub(crate) fn put_stored(&mut self, to: &Address, number: u64) {
        self.stored.insert(ParkedName::new(to, number));
    }

    /// One stays parked; if the store has it, it is left to that again.
    pub(crate) fn leave(&mut self, to: &Address, number: u64) {
        let name = ParkedName::new(to, number);
        if self.in_memory.get(&name).is_some_and(|kept| kept.generation == STORED) {
            self.in_memory.remove(&name);
            self.stored.insert(name);
        }
    }

    /// Whether only the store has the one that is meant.
    pub(crate) fn is_stored(&self, command: &ParkedCommand) -> bool {
        self.stored.contains(&ParkedName::of(command))
    }

    /// Lets a command wait for its message. True: that is to be read back now.
    pub(crate) fn wait(&mut self, command: ParkedCommand) -> bool {
        let is_new = self.asked.insert(ParkedName::of(&command));
        self.waiting.push(command);
        is_new
    }

    /// Takes over one that was read back. Gives the commands on it. If there are none any more, it is left to the store.
    pub(crate) fn take_read(&mut self, to: &Address, number: u64, parked: Parked) -> Vec<ParkedCommand> {
        let name = ParkedName::new(to, number);
        assert!(self.stored.contains(&name), "E1 broken: a message that is parked no more is read back");
        self.asked.remove(&name);
        let is_on_it = |command: &mut ParkedCommand| command.number == number && command.to == *to;
        let commands: Vec<_> = self.waiting.extract_if(.., is_on_it).collect();
        if !commands.is_empty() {
            self.put(number, ParkedInMemory { parked, generation: STORED });
        }
        commands
    }

    /// One is not parked any more, says the log; or it never was.
    pub(crate) fn forget(&mut self, to: &Address, number: u64) {
        let name = ParkedName::new(to, number);
        self.stored.remove(&name);
        self.in_memory.remove(&name);
    }

    /// Takes over one that the store has, or, as part of `generation`, only the log. For opening only.
    pub(crate) fn restore(&mut self, number: u64, parked: Parked, generation: Option<u64>) {
        match generation {
            Some(generation) => self.put(number, ParkedInMemory { parked, generation }),
            None => {
                self.stored.insert(ParkedName::new(&parked.message.to, number));
            }
        }
    }

    /// The batch that parked it is closed, and part of the generation under way.
    pub(crate) fn note_generation(&mut self, to: &Address, number: u64, generation: u64) {
        if let Some(parked) = self.in_memory.get_mut(&ParkedName::new(to, number)) {
            parked.generation = generation;
        }
    }

    /// Evicts what the store has, which is all up to `generation`.
    pub(crate) fn evict(&mut self, generation: u64) {
        let stored = self.in_memory.extract_if(.., |_, parked| parked.generation <= generation);
        self.stored.extend(stored.map(|(name, _)| name));
    }
}

impl ParkedMessages {
    /// Whether each message is in one place, and each question is about one in the store.
    pub(super) fn check(&self) {
        let is_once = self.in_memory.keys().all(|name| !self.stored.contains(name));
        assert!(is_once, "E1 broken: a message is parked twice");
        let is_stored = self.asked.is_subset(&self.stored);
        assert!(is_stored, "E1 broken: a message is read back that the store alone does not have");
    }
}

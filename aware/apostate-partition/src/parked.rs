//! Messages that were given up on, until an operator decides.
//!
//! However many there are, memory has no more of them than their numbers and their entities, and the messages themselves only
//! until a checkpoint holds them: what an operator decides about is read back.

use std::collections::{BTreeMap, BTreeSet};

use apostate_core::{Address, Timestamp};
use apostate_log::StoredCell;

use crate::batch::Did;
use crate::cell::Section;
use crate::client_keys::message_fingerprint;
use crate::interface::{Answer, Damage, Effect, Failure, Load, Notice, ParkedCommand, Stored};
use crate::limits::REASON_BYTES_MAX;
use crate::message::Message;
use crate::partition::Partition;
use crate::planted::{self, Bug};

/// The generation of what the store has.
const STORED: u64 = 0;

/// The generation of what is in a batch that is open.
const OPEN: u64 = u64::MAX;

/// A message that was given up on until an operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) message: Message,
    pub(crate) reason: String,
    pub(crate) time: Timestamp,
}

impl Parked {
    /// The cell's value.
    pub(crate) fn write(&self) -> Vec<u8> {
        let Self { message, reason, time } = self;
        let mut value = time.0.to_le_bytes().to_vec();
        value.extend_from_slice(&(reason.len() as u32).to_le_bytes());
        value.extend_from_slice(reason.as_bytes());
        message.write(None, &mut value);
        value
    }

    /// Reads a cell's value.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let (time, rest) = value.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (reason, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (message, _, rest) = Message::read(rest).ok()?;
        let reason = String::from_utf8(reason.to_vec()).ok()?;
        rest.is_empty().then_some(Self { message, reason, time: Timestamp(u64::from_le_bytes(*time)) })
    }
}

/// A parked message that is in memory, and the generation whose checkpoint holds it.
pub(crate) struct Here {
    pub(crate) parked: Parked,
    generation: u64,
}

/// The parked messages of a partition, by their numbers. Each is in one of the two maps.
#[derive(Default)]
pub(crate) struct ParkedMessages {
    here: BTreeMap<u64, Here>,
    /// The entities of those that only the store has.
    stored: BTreeMap<u64, Address>,
    /// Those that are being read back, each once.
    asked: BTreeSet<u64>,
    /// Commands on them.
    waiting: Vec<ParkedCommand>,
}

impl ParkedMessages {
    pub(crate) fn count(&self) -> usize {
        self.here.len() + self.stored.len()
    }

    /// Whether no command waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives the commands that wait; nobody waits any more.
    pub(crate) fn turn_away(&mut self) -> impl Iterator<Item = ParkedCommand> {
        self.waiting.drain(..)
    }

    /// One is in memory from now on.
    pub(crate) fn put(&mut self, number: u64, here: Here) {
        self.stored.remove(&number);
        self.here.insert(number, here);
    }

    /// One that is in memory.
    fn find(&self, to: &Address, number: u64) -> Option<&Message> {
        let message = &self.here.get(&number)?.parked.message;
        (message.to == *to).then_some(message)
    }

    /// One is not parked any more.
    fn take(&mut self, to: &Address, number: u64) -> Option<Here> {
        self.find(to, number)?;
        self.here.remove(&number)
    }

    /// One stays parked; if the store has it, it is left to that again.
    fn leave(&mut self, number: u64) {
        if let Some(here) = self.here.remove(&number) {
            if here.generation == STORED {
                self.stored.insert(number, here.parked.message.to);
            } else {
                self.here.insert(number, here);
            }
        }
    }

    /// Whether only the store has the one that is meant.
    fn is_stored(&self, command: &ParkedCommand) -> bool {
        self.stored.get(&command.number) == Some(&command.to)
    }

    /// One is not parked any more, says the log; or it never was.
    pub(crate) fn forget(&mut self, number: u64) {
        self.stored.remove(&number);
        self.here.remove(&number);
    }

    /// The batch that parked it is closed, and part of the generation under way.
    pub(crate) fn settle(&mut self, number: u64, generation: u64) {
        if let Some(here) = self.here.get_mut(&number) {
            here.generation = generation;
        }
    }

    /// Lets go of what the store has, which is all up to `generation`.
    pub(crate) fn shed(&mut self, generation: u64) {
        let held = self.here.extract_if(.., |_, here| here.generation <= generation);
        self.stored.extend(held.map(|(number, here)| (number, here.parked.message.to)));
    }
}

impl Partition {
    /// Gives a message up until an operator decides. `number` is the one that it had in the inbox.
    pub(crate) fn park(&mut self, number: Option<u64>, message: Message, mut reason: String) {
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        let number = number.unwrap_or_else(|| self.number());
        self.tell(Notice::Parked {
            entity: self.name_of(&message.to),
            handler: self.handler_name(&message.to, message.handler),
            reason: reason.clone(),
            trace: message.trace.as_ref().map(|context| context.trace),
        });
        let to = message.to.clone();
        let parked = Parked { message, reason, time: self.time.now() };
        if !planted::is(Bug::ParkedLost) {
            self.batch.put(Section::Parked, &to, &number.to_be_bytes(), parked.write());
        }
        self.batch.counts.parked += 1;
        self.batch.journal.push(Did::Parked { number });
        self.parked.put(number, Here { parked, generation: OPEN });
    }

    /// Takes an operator's command in, or turns it away: without room in the log it would be done at some time, and nobody
    /// would know.
    pub(crate) fn admit_command(&mut self, command: ParkedCommand, effects: &mut Vec<Effect>) {
        if self.log.is_full {
            let (ticket, answer) = (command.ticket, Answer::Failed(Failure::Full));
            effects.push(Effect::Answer { ticket, answer });
        } else {
            self.sources.commands.push_back(command);
        }
    }

    /// An operator retries or dismisses a parked message. One that only the store has is read back first.
    pub(crate) fn handle_command(&mut self, command: ParkedCommand) {
        if self.parked.is_stored(&command) {
            let ParkedCommand { ref to, number, .. } = command;
            if self.parked.asked.insert(number) {
                self.loads.push(Load::Parked { to: to.clone(), number });
            }
            self.parked.waiting.push(command);
            return;
        }
        self.count();
        let answer = match self.obey(&command) {
            Ok(()) => Answer::Done { reply: Vec::new(), version: 0 },
            Err(failure) => Answer::Failed(failure),
        };
        self.batch.answer(command.ticket, answer);
        self.batch.journal.push(Did::Commanded(command));
    }

    /// Retries or dismisses a parked message that is in memory, or says why it stays as it is.
    fn obey(&mut self, command: &ParkedCommand) -> Result<(), Failure> {
        let ParkedCommand { ticket: _, ref to, number, retry } = *command;
        let message = self.parked.find(to, number).ok_or(Failure::Missing)?;
        if retry && let Err(failure) = self.check_retry(message) {
            self.parked.leave(number);
            return Err(failure);
        }
        let here = self.parked.take(to, number).ok_or(Failure::Missing)?;
        let message = &here.parked.message;
        if retry || !planted::is(Bug::DismissalLost) {
            self.batch.delete(Section::Parked, to, &number.to_be_bytes());
        }
        if retry {
            // Whoever has it retried says that it will not kill the process again.
            let fingerprint = message_fingerprint(to.hash(), message.handler.0, &message.body);
            self.suspects.retain(|suspect| suspect.fingerprint != fingerprint);
            let slot = self.slot_of(to);
            self.start_load(slot);
            self.accept(slot, message.clone());
        }
        self.batch.journal.push(Did::Unparked { number, here });
        Ok(())
    }

    /// Whether this build can apply a parked message. In an inbox, one that it cannot would hold up its entity, where nobody
    /// could dismiss it any more.
    fn check_retry(&self, message: &Message) -> Result<(), Failure> {
        let kind = self.registry.find(message.to.kind()).ok_or(Failure::UnknownKind)?;
        self.registry.kinds()[kind].find(message.handler).ok_or(Failure::UnknownHandler)?;
        match self.slots.find(&message.to) {
            Some(slot) if self.is_blocked(slot) => Err(Failure::Blocked),
            _ => Ok(()),
        }
    }

    /// Takes over a parked message that was read back, and lets the commands on it go on. If they were turned away meanwhile,
    /// it is left to the store.
    ///
    /// # Errors
    ///
    /// When it is missing, or does not read.
    ///
    /// Invariant P6: a message that the store was given is there, whole, or somebody hears of it.
    pub(crate) fn take_parked(&mut self, to: &Address, number: u64, cells: &[StoredCell]) -> Result<(), Damage> {
        let what = || Stored::Parked { number, entity: self.name_of(to) };
        let (_, value) = cells.first().ok_or_else(|| Damage::Missing(what()))?;
        let parked = Parked::read(value).ok_or_else(|| Damage::Unreadable(what()))?;
        assert!(self.parked.stored.contains_key(&number), "E1 broken: a message that is parked no more is read back");
        self.parked.asked.remove(&number);
        let commands = &mut self.sources.commands;
        let before = commands.len();
        commands.extend(self.parked.waiting.extract_if(.., |command| command.number == number));
        if commands.len() > before {
            self.parked.put(number, Here { parked, generation: STORED });
        }
        Ok(())
    }

    /// Takes over a cell of a parked message, or its deletion. None: it does not read. For opening only.
    pub(crate) fn restore_parked(&mut self, sub: &[u8], value: Option<&[u8]>, is_new: bool) -> Option<()> {
        let number = u64::from_be_bytes(sub.try_into().ok()?);
        match value {
            None => self.parked.forget(number),
            Some(value) => {
                let parked = Parked::read(value)?;
                if is_new {
                    self.parked.put(number, Here { parked, generation: self.dirty.generation() });
                } else {
                    self.parked.stored.insert(number, parked.message.to);
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, HandlerId, KindId, OnRefused};

    use super::*;

    #[test]
    fn a_parked_message_reads_back() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let message = Message {
            to,
            from: None,
            handler: HandlerId::of("take"),
            on_refused: OnRefused::Never,
            body: vec![1],
            trace: None,
        };
        let parked = Parked { message, reason: "the handler panicked".to_owned(), time: Timestamp(5) };
        let value = parked.write();
        assert_eq!(Parked::read(&value), Some(parked));
        assert_eq!(Parked::read(&value[..value.len() - 1]), None);
    }
}

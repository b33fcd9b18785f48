//! Parking: messages that are given up on until an operator decides, and what the operator decides.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/parked.rs`; planted `parked-lost`, `dismissal-lost`.

use crate::batch::UndoEntry;
use crate::cells::fresh::FreshCell;
use crate::cells::parked::Parked;
use crate::interface::{Answer, Failure, Notice, ParkedCommand};
use crate::limits::REASON_BYTES_MAX;
use crate::message::{self, Message};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

impl Handling<'_> {
    /// Gives a message up until an operator decides. `number` is the one that it had in the inbox.
    pub(crate) fn park(&mut self, number: Option<u64>, message: Message, why: &Failure) {
        let mut reason = why.of_message();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        let number = number.unwrap_or_else(|| self.log.number());
        self.batch.notify(Notice::Parked {
            entity: self.entities.name_of(&message.to),
            handler: self.entities.handler_name(&message.to, message.handler),
            reason: reason.clone(),
            trace: message.trace.as_ref().map(|context| context.trace),
        });
        let to = message.to.clone();
        let parked = Parked { message, reason, time: self.now };
        if !planted::is(Bug::ParkedLost) {
            self.batch.put_fresh(FreshCell::parked(&to, number), parked.write());
        }
        self.batch.counts_mut().parked += 1;
        self.batch.note(UndoEntry::Parked { to, number });
        self.entities.parked_mut().park(number, parked);
    }

    /// An operator retries or dismisses a parked message. One that only the store has is read back first. Gives whether it is
    /// done with.
    pub(crate) fn handle_command(&mut self, command: ParkedCommand) -> bool {
        if self.entities.parked().is_stored(&command) {
            self.entities.wait_for_parked(command);
            return false;
        }
        let answer = match self.obey(&command) {
            Ok(()) => Answer::Done { reply: Vec::new(), version: 0 },
            Err(failure) => Answer::Failed(failure),
        };
        self.batch.answer(command.ticket, answer);
        self.batch.note(UndoEntry::TookCommand(command));
        true
    }

    /// Retries or dismisses a parked message that is in memory, or says why it stays as it is.
    fn obey(&mut self, command: &ParkedCommand) -> Result<(), Failure> {
        let ParkedCommand { ticket: _, ref to, number, retry } = *command;
        let message = self.entities.parked().find(to, number).ok_or(Failure::Missing)?;
        if retry && let Err(failure) = self.check_retry(message) {
            self.entities.parked_mut().leave(to, number);
            return Err(failure);
        }
        // Also if its operation is over: who confirms what has lapsed tells its proposer so.
        if !retry && message.role.ends_operation() {
            self.entities.parked_mut().leave(to, number);
            return Err(Failure::EndsOperation);
        }
        let parked = self.entities.parked_mut().take(to, number).ok_or(Failure::Missing)?;
        let message = parked.message();
        if retry || !planted::is(Bug::DismissalLost) {
            self.batch.erase_fresh(FreshCell::parked(to, number));
        }
        if retry {
            // The operator says that it will not kill the process again.
            self.runner.forgive(message::fingerprint(to, message.handler, &message.body));
            let slot = self.entities.slot_of(to);
            self.entities.start_load(slot, self.now);
            self.accept(slot, message.clone());
        }
        self.batch.note(UndoEntry::Unparked { number, parked });
        Ok(())
    }

    /// Whether this build can apply a parked message. In an inbox, one that it cannot would hold up its entity, where it could
    /// not be dismissed any more.
    fn check_retry(&self, message: &Message) -> Result<(), Failure> {
        let registry = self.entities.registry();
        let kind = registry.find(message.to.kind()).ok_or(Failure::UnknownKind)?;
        registry.kinds()[kind].find(message.handler).ok_or(Failure::UnknownHandler)?;
        match self.entities.find(&message.to) {
            Some(slot) if self.entities.is_blocked(slot) => Err(Failure::Blocked),
            _ => Ok(()),
        }
    }
}

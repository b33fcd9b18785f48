//! The end of a batch: cells are made of the journal when it closes, and the journal is gone backwards when it is undone.

use super::agreement::Put;
use super::item::Kept;
use super::journal::Change;
use super::table::OpenWork;
use crate::planted::{self, Bug};

impl OpenWork {
    /// Gives every cell that is not as it was before the open batch. They count as logged: an undone batch takes all back that it has begun.
    pub(crate) fn write_changes(&mut self, put: Put<'_>) {
        let journal = std::mem::take(&mut self.journal);
        for change in &journal {
            match change {
                Change::Begun(of, name) => {
                    let work = self.of.find_mut(of.hash(), |work| work.of == *of);
                    if let Some(item) = work.and_then(|work| work.items.get_mut(name)) {
                        put(&name.key(of), Some(item.value.write()));
                        item.is_logged = true;
                    }
                }
                Change::Ended(of, name, _) => put(&name.key(of), None),
                Change::Proposed(of, number) => {
                    if let Some(agreement) = self.agreement_mut(of, *number) {
                        agreement.write(of, *number, put);
                    }
                }
                Change::Answered(of, number, place) => {
                    let leg = self.agreement_mut(of, *number).and_then(|agreement| agreement.leg_mut(*place));
                    if let Some(leg) = leg {
                        leg.write_answer(of, *number, put);
                    }
                }
                Change::Waits(of, number, ended) => {
                    ended.iter().for_each(|leg| leg.erase(of, *number, put));
                    if let Some(agreement) = self.agreement_mut(of, *number) {
                        agreement.write_wait(of, *number, put);
                    }
                }
                Change::Over(of, number, agreement) => agreement.erase(of, *number, put),
            }
        }
        self.journal = journal;
    }

    /// The batch is closed.
    pub(crate) fn note_closed(&mut self) {
        self.journal.clear();
    }

    /// Takes back all that the open batch has changed, the last change first.
    pub(crate) fn undo(&mut self) {
        for change in std::mem::take(&mut self.journal).into_iter().rev() {
            if planted::is(Bug::AskUndoneStillOpen) {
                continue;
            }
            match change {
                Change::Begun(of, name) => drop(self.remove(&of, &name)),
                Change::Ended(of, name, value) => self.insert(&of, name, Kept { value, is_logged: true }),
                Change::Proposed(of, number) => drop(self.remove_agreement(&of, number)),
                Change::Over(of, number, agreement) => self.insert_agreement(&of, number, agreement),
                Change::Answered(of, number, place) => {
                    if let Some(agreement) = self.agreement_mut(&of, number) {
                        agreement.set_answer(place, None);
                    }
                }
                Change::Waits(of, number, ended) => {
                    if let Some(agreement) = self.agreement_mut(&of, number) {
                        (agreement.is_waiting, agreement.is_wait_logged) = (false, false);
                        ended.into_iter().for_each(|leg| agreement.add(leg));
                    }
                }
            }
        }
    }
}

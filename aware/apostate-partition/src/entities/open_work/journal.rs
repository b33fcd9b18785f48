//! The journal of open work: what the open batch has changed. Cells are made of it when the batch closes, and it is gone backwards if the batch is
//! undone.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::Address;

use super::agreement::{Agreement, OpenLeg};
use super::item::{Item, Name};
use super::{Kept, OpenWork};
use crate::planted::{self, Bug};

/// A change of the open batch. What it began and ended is noted as begun, and not there.
pub(super) enum Change {
    Begun(Address, Name),
    /// An item ended that a closed batch had begun.
    Ended(Address, Name, Item),
    Proposed(Address, NonZeroU64),
    Answered(Address, NonZeroU64, u32),
    Waits(Address, NonZeroU64),
    LegsEnded(Address, NonZeroU64, Vec<OpenLeg>),
    /// An agreement is over that a closed batch had proposed.
    Over(Address, NonZeroU64, Arc<Agreement>),
}

/// Takes a cell by its key: its value, or none if it is erased.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8], Option<Vec<u8>>);

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
                Change::Waits(of, number) => {
                    if let Some(agreement) = self.agreement_mut(of, *number) {
                        agreement.write_wait(of, *number, put);
                    }
                }
                Change::LegsEnded(of, number, legs) => {
                    legs.iter().for_each(|leg| leg.erase(of, *number, put));
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
                Change::Waits(of, number) => {
                    if let Some(agreement) = self.agreement_mut(&of, number) {
                        (agreement.is_waiting, agreement.is_wait_logged) = (false, false);
                    }
                }
                Change::LegsEnded(of, number, legs) => {
                    if let Some(agreement) = self.agreement_mut(&of, number) {
                        legs.into_iter().for_each(|leg| agreement.add(leg));
                    }
                }
            }
        }
    }
}

//! Changes of agreements in the open batch.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::Address;

use super::agreement::{Agreement, OpenLeg};
use super::item::Kept;
use super::journal::Change;
use super::table::OpenWork;
use crate::cells::agreement::{Header, Leg, LegAnswer};

impl OpenWork {
    /// Proposes an agreement. Its legs are added in the same run.
    pub(crate) fn propose(&mut self, proposer: &Address, number: NonZeroU64, header: Header) {
        self.insert_agreement(proposer, number, Arc::new(Agreement::new(header, false)));
        self.journal.push(Change::Proposed(proposer.clone(), number));
    }

    /// Adds a leg to an agreement that this run proposes. Gives its header.
    pub(crate) fn add_leg(&mut self, proposer: &Address, number: NonZeroU64, (place, leg): (u32, Leg)) -> &Header {
        let leg = OpenLeg { number: place, leg, is_logged: false, answer: None };
        let agreement = self.agreement_mut(proposer, number).expect("E4 broken: a leg of no agreement");
        agreement.add(leg);
        &agreement.header
    }

    /// Keeps the answer of a leg.
    pub(crate) fn answer_leg(&mut self, proposer: &Address, (number, place): (NonZeroU64, u32), answer: LegAnswer<'_>) {
        let agreement = self.agreement_mut(proposer, number).expect("E4 broken: an answer to no agreement");
        let is_answered = agreement.leg(place).is_some_and(|leg| leg.answer.is_some());
        assert!(!is_answered, "E4 broken: a leg is answered twice");
        agreement.set_answer(place, Some(Kept { value: answer.write().into(), is_logged: false }));
        self.journal.push(Change::Answered(proposer.clone(), number, place));
    }

    /// An agreement that is agreed waits for the ending of the try that it is on behalf of, with the legs that have accepted. Gives the others.
    pub(crate) fn wait(&mut self, proposer: &Address, number: NonZeroU64) -> Vec<OpenLeg> {
        let agreement = self.agreement_mut(proposer, number).expect("E4 broken: no agreement waits");
        let ended = agreement.wait();
        self.journal.push(Change::Waits(proposer.clone(), number, ended.clone()));
        ended
    }

    /// An agreement is over. Gives it, as it was.
    pub(crate) fn end_agreement(&mut self, proposer: &Address, number: NonZeroU64) -> Option<Arc<Agreement>> {
        let agreement = self.remove_agreement(proposer, number)?;
        if agreement.is_logged {
            self.journal.push(Change::Over(proposer.clone(), number, Arc::clone(&agreement)));
        }
        Some(agreement)
    }

    pub(super) fn agreement_mut(&mut self, proposer: &Address, number: NonZeroU64) -> Option<&mut Agreement> {
        let work = self.of.find_mut(proposer.hash(), |work| work.of == *proposer)?;
        let agreement = work.agreements.get_mut(&number)?;
        Some(Arc::get_mut(agreement).expect("E4 broken: an agreement that is over changes"))
    }

    pub(super) fn insert_agreement(&mut self, proposer: &Address, number: NonZeroU64, agreement: Arc<Agreement>) {
        self.counts.agreements += 1;
        let before = self.work_mut(proposer).agreements.insert(number, agreement);
        assert!(before.is_none(), "E4 broken: the number of an agreement is used twice");
    }

    pub(super) fn remove_agreement(&mut self, proposer: &Address, number: NonZeroU64) -> Option<Arc<Agreement>> {
        let removed = self.change(proposer, |work| work.agreements.remove(&number))??;
        self.counts.agreements -= 1;
        Some(removed)
    }
}

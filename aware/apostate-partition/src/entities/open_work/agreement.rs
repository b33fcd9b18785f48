//! An agreement that is not over, with its legs and what it has come to.
//!
//! What it has come to is in no record: it follows from the answers of its legs, whichever way these come.

use std::num::NonZeroU64;

use apostate_core::Address;

use super::item::Kept;
use crate::cells::agreement::{AgreementSub, Header, Leg, LegAnswer, WAITING};

/// Takes a cell by its key: its value, or none if it is erased.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8], Option<Vec<u8>>);

/// An agreement that is not over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) header: Header,
    /// In the order of their numbers; all of them until it is decided.
    pub(crate) legs: Vec<OpenLeg>,
    pub(crate) accepted: u32,
    pub(crate) refused: u32,
    /// Bytes of the offers that were accepted.
    pub(crate) offer_bytes: usize,
    /// Whether it is agreed, and waits for the ending of the try that it is on behalf of.
    pub(crate) is_waiting: bool,
    /// Whether a closed batch has put its header.
    pub(super) is_logged: bool,
    /// Whether a closed batch has put the mark that it waits.
    pub(super) is_wait_logged: bool,
}

type Answer = Kept<Box<[u8]>>;

/// A leg of an agreement, with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenLeg {
    pub(crate) number: u32,
    pub(crate) leg: Leg,
    /// Whether a closed batch has put it.
    pub(super) is_logged: bool,
    /// The answer, as its cell has it.
    pub(super) answer: Option<Answer>,
}

fn read(answer: &Answer) -> LegAnswer<'_> {
    LegAnswer::read(&answer.value).expect("P4 broken: the answer of a leg does not read")
}

impl OpenLeg {
    pub(crate) fn answer(&self) -> Option<LegAnswer<'_>> {
        self.answer.as_ref().map(read)
    }

    /// The offer of a leg that has accepted.
    pub(crate) fn offer(&self) -> Option<&[u8]> {
        match self.answer()? {
            LegAnswer::Accepted(offer) => Some(offer),
            LegAnswer::Refused(_) => None,
        }
    }
}

impl Agreement {
    pub(super) fn new(header: Header, is_logged: bool) -> Self {
        Self {
            header,
            legs: Vec::new(),
            accepted: 0,
            refused: 0,
            offer_bytes: 0,
            is_waiting: false,
            is_logged,
            is_wait_logged: false,
        }
    }

    /// The leg with this number.
    pub(crate) fn leg(&self, number: u32) -> Option<&OpenLeg> {
        self.place_of(number).map(|at| &self.legs[at])
    }

    fn place_of(&self, number: u32) -> Option<usize> {
        // Before it is decided each stands in the place of its number.
        let first = self.legs.get(number as usize).is_some_and(|leg| leg.number == number);
        let searched = || self.legs.binary_search_by_key(&number, |leg| leg.number).ok();
        if first { Some(number as usize) } else { searched() }
    }

    pub(super) fn leg_mut(&mut self, number: u32) -> Option<&mut OpenLeg> {
        self.place_of(number).map(|at| &mut self.legs[at])
    }

    /// Adds a leg, with all that is counted.
    pub(super) fn add(&mut self, leg: OpenLeg) {
        self.count(leg.answer(), true);
        let at = self.legs.partition_point(|other| other.number < leg.number);
        self.legs.insert(at, leg);
    }

    /// Gives a leg its answer, or takes that back.
    pub(super) fn set_answer(&mut self, number: u32, answer: Option<Answer>) {
        self.count(answer.as_ref().map(read), true);
        let leg = self.leg_mut(number).expect("E4 broken: the answer of a leg that is not there");
        let before = std::mem::replace(&mut leg.answer, answer);
        self.count(before.as_ref().map(read), false);
    }

    /// Waits, with the legs that have accepted. Gives the others.
    pub(super) fn wait(&mut self) -> Vec<OpenLeg> {
        self.is_waiting = true;
        let ended: Vec<_> = self.legs.extract_if(.., |leg| leg.offer().is_none()).collect();
        ended.iter().for_each(|leg| self.count(leg.answer(), false));
        ended
    }

    /// Counts an answer, or takes it back.
    fn count(&mut self, answer: Option<LegAnswer<'_>>, is_there: bool) {
        let (count, bytes) = match answer {
            Some(LegAnswer::Accepted(offer)) => (&mut self.accepted, offer.len()),
            Some(LegAnswer::Refused(_)) => (&mut self.refused, 0),
            None => return,
        };
        if is_there {
            *count += 1;
            self.offer_bytes += bytes;
        } else {
            *count -= 1;
            self.offer_bytes -= bytes;
        }
    }

    /// Counts the answers of the legs anew.
    pub(super) fn check(&self) {
        let mut counted = Self::new(self.header.clone(), true);
        self.legs.iter().for_each(|leg| counted.count(leg.answer(), true));
        let is_right =
            (counted.accepted, counted.refused, counted.offer_bytes) == (self.accepted, self.refused, self.offer_bytes);
        assert!(is_right, "E4 broken: an agreement is counted wrong: {self:?}");
        assert!(self.legs.is_sorted_by_key(|leg| leg.number), "E4 broken: legs are out of order: {self:?}");
    }
}

/// Cells.
impl Agreement {
    /// Gives the cells that no closed batch has put, and notes that they are.
    pub(super) fn write(&mut self, of: &Address, number: NonZeroU64, put: Put<'_>) {
        if !std::mem::replace(&mut self.is_logged, true) {
            put(&AgreementSub::Header.key(of, number), Some(self.header.write()));
        }
        for leg in &mut self.legs {
            if !std::mem::replace(&mut leg.is_logged, true) {
                put(&AgreementSub::Leg(leg.number).key(of, number), Some(leg.leg.write()));
            }
            leg.write_answer(of, number, put);
        }
        self.write_wait(of, number, put);
    }

    pub(super) fn write_wait(&mut self, of: &Address, number: NonZeroU64, put: Put<'_>) {
        if self.is_waiting && !std::mem::replace(&mut self.is_wait_logged, true) {
            put(&AgreementSub::Waits.key(of, number), Some(WAITING.into()));
        }
    }

    /// Every cell, logged or not.
    pub(super) fn cells(&self) -> impl Iterator<Item = (AgreementSub, Vec<u8>)> {
        let legs = self.legs.iter().flat_map(|leg| {
            let answer = leg.answer.as_ref().map(|answer| (AgreementSub::Answer(leg.number), answer.value.to_vec()));
            [Some((AgreementSub::Leg(leg.number), leg.leg.write())), answer].into_iter().flatten()
        });
        let waits = self.is_waiting.then(|| (AgreementSub::Waits, WAITING.into()));
        [(AgreementSub::Header, self.header.write())].into_iter().chain(legs).chain(waits)
    }

    /// Erases the cells that closed batches have put.
    pub(super) fn erase(&self, of: &Address, number: NonZeroU64, put: Put<'_>) {
        let mut erase = |is_logged: bool, sub: AgreementSub| {
            if is_logged {
                put(&sub.key(of, number), None);
            }
        };
        erase(self.is_logged, AgreementSub::Header);
        erase(self.is_wait_logged, AgreementSub::Waits);
        self.legs.iter().for_each(|leg| leg.erase(of, number, put));
    }
}

impl OpenLeg {
    pub(super) fn write_answer(&mut self, of: &Address, number: NonZeroU64, put: Put<'_>) {
        if let Some(answer) = &mut self.answer
            && !std::mem::replace(&mut answer.is_logged, true)
        {
            put(&AgreementSub::Answer(self.number).key(of, number), Some(answer.value.to_vec()));
        }
    }

    pub(super) fn erase(&self, of: &Address, number: NonZeroU64, put: Put<'_>) {
        if self.is_logged {
            put(&AgreementSub::Leg(self.number).key(of, number), None);
        }
        if self.answer.as_ref().is_some_and(|answer| answer.is_logged) {
            put(&AgreementSub::Answer(self.number).key(of, number), None);
        }
    }
}

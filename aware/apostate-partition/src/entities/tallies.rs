//! Tallies: what each agreement that is not over has come to, counted from its cells as they are put and erased.
//!
//! They are in no record: a tally follows from the cells, whichever way these come, by a run, by a batch that is taken back, or at an opening.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`. Each is counted anew in tests and simulations (`open_work.rs`, `check`).

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Bound;

use apostate_core::Address;

use crate::cells::agreement::{AgreementSub, Header, LegAnswer};
use crate::cells::cell::{self, Section};

/// Bytes of a leg's key behind the key of its header.
const LEG_BYTES: usize = 4;

/// Bytes of an answer's key behind the key of its header.
const ANSWER_BYTES: usize = 5;

/// State of an agreement, by its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) header: Header,
    pub(crate) accepted: u32,
    pub(crate) refused: u32,
    /// Bytes of the offers that were accepted.
    pub(crate) offer_bytes: usize,
    /// Whether it is agreed, and waits for the ending of the try that it is on behalf of.
    pub(crate) is_waiting: bool,
}

/// Every agreement that is not over, by the key of its header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tallies {
    all: BTreeMap<Box<[u8]>, Tally>,
}

impl Tallies {
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Number of those of a proposer.
    pub(super) fn of(&self, proposer: &Address) -> usize {
        let (from, to) = cell::entity_bounds(Section::Agreements, proposer);
        self.all.range::<[u8], _>((Bound::Included(&from[..]), Bound::Excluded(&to[..]))).count()
    }

    /// The agreement that has this number, or a leg with it.
    pub(super) fn find(&self, proposer: &Address, number: NonZeroU64) -> Option<(NonZeroU64, &Tally)> {
        let (from, _) = cell::entity_bounds(Section::Agreements, proposer);
        let to = AgreementSub::Header.key(proposer, number);
        let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        let (key, tally) = self.all.range::<[u8], _>(range).next_back()?;
        let of = u64::from_be_bytes(*key[from.len()..].first_chunk()?);
        let is_its = number.get() - of <= u64::from(tally.header.legs);
        Some((NonZeroU64::new(of)?, tally)).filter(|_| is_its)
    }

    /// A cell of the section is put, or erased. It is as before in `cells` still.
    pub(super) fn note(&mut self, key: &[u8], value: Option<&[u8]>, before: Option<&[u8]>) {
        let read = cell::read_key(key).ok().and_then(|cell| AgreementSub::read(cell.sub).ok());
        let Some((_, sub)) = read else { panic!("P4 broken: the key of an agreement does not read") };
        match (sub, value) {
            (AgreementSub::Header, None) => drop(self.all.remove(key)),
            (AgreementSub::Header, Some(value)) => {
                let header = Header::read(value).expect("P4 broken: an agreement does not read");
                let tally = Tally { header, accepted: 0, refused: 0, offer_bytes: 0, is_waiting: false };
                self.all.insert(key.into(), tally);
            }
            (AgreementSub::Leg(_), _) => {}
            (AgreementSub::Answer(_), value) => {
                // Without its header there is nothing to count: both go in one batch.
                let Some(tally) = self.all.get_mut(&key[..key.len() - ANSWER_BYTES]) else { return };
                let read = |value| LegAnswer::read(value).expect("P4 broken: the answer of a leg does not read");
                if let Some(before) = before {
                    tally.count(read(before), false);
                }
                if let Some(value) = value {
                    tally.count(read(value), true);
                }
            }
            (AgreementSub::Waits, value) => {
                if let Some(tally) = self.all.get_mut(&key[..key.len() - LEG_BYTES]) {
                    tally.is_waiting = value.is_some();
                }
            }
        }
    }
}

impl Tally {
    /// Counts an answer, or takes it back.
    fn count(&mut self, answer: LegAnswer<'_>, is_there: bool) {
        let (count, bytes) = match answer {
            LegAnswer::Accepted(offer) => (&mut self.accepted, offer.len()),
            LegAnswer::Refused(_) => (&mut self.refused, 0),
        };
        if is_there {
            *count += 1;
            self.offer_bytes += bytes;
        } else {
            *count -= 1;
            self.offer_bytes -= bytes;
        }
    }
}

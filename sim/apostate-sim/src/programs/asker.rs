//! Askers: entities that ask each other, expect each answer once, and remember which they gave.
//!
//! An asker has one question open with each partner. So it knows from the sender of an answer which question that is about, and every
//! answer but an expiry has the question's tag in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apostate::prelude::*;

use crate::programs::flaky::{ALWAYS, panics_again};

/// Askers from this number on leave now and then, and are never asked.
pub(crate) const LEAVERS: u16 = 100;

/// An asker. Its key is its number.
#[entity(name = "asker")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Asker {
    /// Transactions that have changed it, in the life under way.
    pub(crate) applied: u64,
    /// Questions that are open, by partner.
    pub(crate) open: BTreeMap<u16, Question>,
    /// Tags that partners have given, as they answered.
    pub(crate) got: BTreeMap<u64, u16>,
    /// Tags that partners have not given: they refused, or failed.
    pub(crate) denied: BTreeMap<u64, u16>,
    /// Tags that it has given.
    pub(crate) gave: BTreeSet<u64>,
    /// Answers that are to no open question.
    pub(crate) strange: u64,
    /// Questions that expired before their time.
    pub(crate) early: u64,
    /// Questions that came twice.
    pub(crate) doubled: u64,
}

/// A question that is open.
#[data]
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) tag: u64,
    pub(crate) deadline: Timestamp,
}

#[handlers]
impl Asker {
    /// Asks each of these that no question is open with.
    #[open]
    pub fn ask(&mut self, tx: &mut Tx, whom: Vec<u16>, patience: u64) {
        self.applied += 1;
        for partner in whom {
            self.question(tx, partner, patience);
        }
    }

    /// Asks one more, and leaves.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx, whom: u16) {
        self.applied += 1;
        self.question(tx, whom, 1000);
        tx.delete();
    }

    /// Gives a tag, refuses, or panics; now and then it asks back before.
    pub fn give(&mut self, tx: &mut Tx, tag: u64, patience: u64) -> Result<u64, Refusal> {
        // Changed before it refuses or panics: both have to take it back.
        self.applied += 1;
        self.doubled += u64::from(!self.gave.insert(tag));
        let asker = tx.sender().and_then(|asker| asker.key().as_str().parse().ok());
        if let Some(asker) = asker.filter(|asker| tag.is_multiple_of(4) && *asker < LEAVERS) {
            self.question(tx, asker, patience);
        }
        refuse!(tag.is_multiple_of(5), "{tag}");
        assert!(!tag.is_multiple_of(11) || !panics_again(tag, if tag.is_multiple_of(2) { 2 } else { ALWAYS }), "moody");
        Ok(tag)
    }

    /// Shows a tag, or refuses to.
    pub fn show(&self, tag: u64) -> Result<u64, Refusal> {
        refuse!(tag.is_multiple_of(5), "{tag}");
        Ok(tag)
    }

    #[on]
    fn on_given(&mut self, tx: &mut Tx, answer: Answer<u64>) {
        self.applied += 1;
        let Some((tag, partner)) = self.answered(tx, &answer) else { return };
        match answer {
            Answer::Answered(_) => self.got.insert(tag, partner),
            Answer::Refused(_) | Answer::Failed(_) => self.denied.insert(tag, partner),
            Answer::Expired => None,
        };
    }

    #[on]
    fn on_shown(&mut self, tx: &mut Tx, answer: Answer<u64>) {
        self.applied += 1;
        self.answered(tx, &answer);
    }

    fn question(&mut self, tx: &mut Tx, partner: u16, patience: u64) {
        if self.open.contains_key(&partner) {
            return;
        }
        let (tag, within) = (tx.random(), Duration::from_millis(patience));
        self.open.insert(partner, Question { tag, deadline: tx.now().after(within) });
        if tag.is_multiple_of(3) {
            tx.ask(Self::at(partner).show(tag)).within(within).then(Self::ON_SHOWN);
        } else {
            tx.ask(Self::at(partner).give(tag, patience)).within(within).then(Self::ON_GIVEN);
        }
    }

    /// Ends the question that is answered. Gives its tag and the partner, if the answer is to it.
    fn answered(&mut self, tx: &Tx, answer: &Answer<u64>) -> Option<(u64, u16)> {
        let partner: Option<u16> = tx.sender().and_then(|partner| partner.key().as_str().parse().ok());
        let question = partner.and_then(|partner| self.open.remove(&partner));
        let (Some(Question { tag, deadline }), Some(partner)) = (question, partner) else {
            self.strange += 1;
            return None;
        };
        let is_to_it = match answer {
            Answer::Answered(given) => *given == tag,
            Answer::Refused(why) => why.text == tag.to_string(),
            Answer::Failed(_) => true,
            Answer::Expired => {
                self.early += u64::from(tx.now() < deadline);
                true
            }
        };
        self.strange += u64::from(!is_to_it);
        assert!(!tag.is_multiple_of(13) || !panics_again(tag ^ 1, 1), "moody");
        Some((tag, partner))
    }
}

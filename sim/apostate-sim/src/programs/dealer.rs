//! Dealers: entities that agree with each other about units, of which each has a few. Every operation has a tag, so proposer and partners can be
//! held against each other in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use apostate::prelude::*;
use apostate::{AgreementId, Lapsed};

use crate::programs::flaky::{ALWAYS, panics_again};

/// Units that a dealer begins with.
pub(crate) const FIRST_UNITS: usize = 12;

/// How long a dealer lends for.
const LENT_FOR: Duration = Duration::from_secs(2);

/// A dealer. Its key is its number.
#[entity(name = "dealer")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Dealer {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    /// Tags that it holds a unit for.
    pub(crate) held: BTreeSet<u64>,
    /// Tags that a unit is gone for.
    pub(crate) gone: BTreeSet<u64>,
    /// Tags for which it had held a unit, and took it back.
    pub(crate) freed: BTreeSet<u64>,
    /// Agreements that it has proposed and was told nothing of.
    pub(crate) open: BTreeMap<AgreementId, Deal>,
    /// Tags of its own, and whether it was told that their units are gone.
    pub(crate) told: BTreeMap<u64, bool>,
    /// Tags of its own of which it was told that they had lapsed.
    pub(crate) lapsed: BTreeSet<u64>,
    /// Legs of agreements that may have lapsed: their tags.
    pub(crate) legs: BTreeMap<AgreementId, Vec<u64>>,
    /// Tags further down, by the tag on whose behalf they were asked for.
    pub(crate) below: BTreeMap<u64, Vec<u64>>,
    /// Words for all that can never happen, and has.
    pub(crate) wrong: Vec<String>,
}

/// An agreement that was proposed.
#[data]
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    pub(crate) tags: Vec<u64>,
    pub(crate) needed: usize,
    pub(crate) deadline: Timestamp,
}

#[handlers]
impl Dealer {
    /// Asks each of these for a unit. Half of the proposals need them all.
    #[open]
    pub fn deal(&mut self, tx: &mut Tx, whom: Vec<u16>, patience: u64) {
        self.applied += 1;
        let (within, tags) = (Duration::from_millis(patience), whom.iter().map(|_| tx.random()).collect::<Vec<_>>());
        let legs = whom.iter().zip(&tags);
        let all = Agreement::within(within)
            .on_lapsed(Self::ON_LAPSED)
            .then(Self::ON_DECIDED)
            .ask_all(legs.clone().filter(|(_, tag)| *tag % 4 != 0).map(|(key, tag)| Self::at(*key).hold(*tag)))
            .ask_all(legs.clone().filter(|(_, tag)| *tag % 8 == 0).map(|(key, tag)| Self::at(*key).lend(*tag)))
            .ask_all(
                legs.filter(|(_, tag)| *tag % 8 == 4).map(|(key, tag)| Self::at(*key).pass_on(*tag, whom.clone())),
            );
        let order = |tag: &u64| if tag.is_multiple_of(4) { 1 + tag % 8 / 4 } else { 0 };
        let mut tags = tags;
        tags.sort_by_key(order);
        let at_least = 1 + tags.len() / 2;
        let (needed, id) = match tx.random() % 6 {
            0 if !tags.is_empty() => (at_least, tx.propose(all.at_least(at_least as u32))),
            1 if !tags.is_empty() => (at_least, tx.propose(all.at_least(at_least as u32).eagerly())),
            2 => (0, tx.propose(all.take_what_is_offered())),
            _ => (tags.len(), tx.propose(all)),
        };
        let deadline = tx.now().after(within);
        self.legs.insert(id, tags.clone());
        self.open.insert(id, Deal { tags, needed, deadline });
    }

    /// Holds a unit.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn hold(&mut self, tag: u64) -> Result<u64, Refusal> {
        self.promise(tag)
    }

    fn sell(&mut self, tag: u64) {
        self.end(tag, true);
    }

    fn put_back(&mut self, tag: u64) {
        self.end(tag, false);
    }

    /// Holds a unit for a while.
    #[tentative(confirm = give, cancel = take_back, self_expire = LENT_FOR)]
    pub fn lend(&mut self, tag: u64) -> Result<u64, Refusal> {
        self.promise(tag)
    }

    fn give(&mut self, tag: u64) {
        self.end(tag, true);
    }

    fn take_back(&mut self, tag: u64) {
        self.end(tag, false);
    }

    /// Holds a unit if others do.
    #[tentative(confirm = pass, cancel = withdraw)]
    pub fn pass_on(&mut self, tx: &mut Tx, tag: u64, whom: Vec<u16>) -> Result<u64, Refusal> {
        let offer = self.promise(tag)?;
        let tags: Vec<_> = whom.iter().map(|_| tx.random() | 1).collect();
        let legs = whom.into_iter().zip(&tags).map(|(key, tag)| Self::at(key).hold(*tag));
        tx.propose(Agreement::under_this_try().ask_all(legs));
        self.below.insert(tag, tags);
        Ok(offer)
    }

    fn pass(&mut self, tag: u64, _whom: Vec<u16>) {
        self.end(tag, true);
    }

    fn withdraw(&mut self, tag: u64, _whom: Vec<u16>) {
        self.end(tag, false);
    }

    #[on]
    fn on_decided(&mut self, tx: &mut Tx, outcome: Outcome<u64>) {
        self.applied += 1;
        let Some(Deal { tags, needed, deadline }) = tx.agreement().and_then(|id| self.open.remove(&id)) else {
            self.wrong.push(format!("told of no agreement of its own: {outcome:?}"));
            return;
        };
        let agreed: BTreeSet<u64> = match &outcome {
            Outcome::Agreed { offers } => offers.iter().map(|offer| offer.offer).collect(),
            Outcome::Refused { .. } | Outcome::Expired => BTreeSet::new(),
        };
        let is_enough = agreed.len() >= needed || !matches!(outcome, Outcome::Agreed { .. });
        let is_early = matches!(outcome, Outcome::Expired) && tx.now() < deadline;
        if !is_enough || is_early || !agreed.iter().all(|tag| tags.contains(tag)) {
            self.wrong.push(format!("{needed} of {tags:?} by {deadline:?}: {outcome:?}"));
        }
        let first = tags.first().copied().unwrap_or_default();
        self.told.extend(tags.into_iter().map(|tag| (tag, agreed.contains(&tag))));
        assert!(!first.is_multiple_of(13) || !panics_again(first ^ 2, 2), "moody");
    }

    #[on]
    fn on_lapsed(&mut self, tx: &mut Tx, lapsed: Lapsed) {
        self.applied += 1;
        let tags = tx.agreement().and_then(|id| self.legs.get(&id));
        match tags.and_then(|tags| tags.get(lapsed.leg as usize)) {
            Some(tag) if self.lapsed.insert(*tag) => {}
            other => self.wrong.push(format!("told again of a lapse, or of no leg of its own: {other:?}")),
        }
    }

    fn promise(&mut self, tag: u64) -> Result<u64, Refusal> {
        // Changed before it refuses or panics: both have to take it back.
        self.applied += 1;
        let is_new = !self.gone.contains(&tag) && !self.freed.contains(&tag) && self.held.insert(tag);
        if !is_new {
            self.wrong.push(format!("asked again for {tag}"));
        }
        refuse!(tag.is_multiple_of(9) || self.held.len() + self.gone.len() > FIRST_UNITS, "{tag}");
        assert!(!tag.is_multiple_of(11) || !panics_again(tag, if tag.is_multiple_of(3) { ALWAYS } else { 2 }), "moody");
        Ok(tag)
    }

    fn end(&mut self, tag: u64, is_gone: bool) {
        self.applied += 1;
        let is_new = if is_gone { self.gone.insert(tag) } else { self.freed.insert(tag) };
        if !self.held.remove(&tag) || !is_new {
            self.wrong.push(format!("told to end {tag}, which it does not hold"));
        }
        assert!(
            !tag.is_multiple_of(7) || !panics_again(tag ^ 4, if tag.is_multiple_of(2) { ALWAYS } else { 1 }),
            "moody"
        );
    }
}

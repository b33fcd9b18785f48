//! Whether what all callers saw makes sense.
//!
//! A journal tells in the end in which order its tags came, so there is no order to search for: each operation must have a
//! moment between its question and its answer, one after the other in that order. The earliest moment that fits is
//! always the best choice. A call whose outcome is unknown may have its moment at any time after the question.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::app::REFUSED;

/// One operation on a journal, as its caller saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) journal: u64,
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Add { tag: u64, outcome: Outcome },
    Read { count: usize },
}

/// The outcome of an `add`, as far as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, and there were so many tags with it.
    Done(usize),
    Refused,
    /// Certainly not done.
    Failed,
    Unknown,
}

/// The tags of each journal in the end, and of its mirror.
pub(crate) type Ends = BTreeMap<u64, (Vec<u64>, Vec<u64>)>;

/// The observations of all callers.
#[derive(Default)]
pub(crate) struct Histories {
    seen: BTreeMap<u64, Vec<Seen>>,
}

/// How much there was of everything.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    pub(crate) unknown_done: u64,
    pub(crate) looks: u64,
}

impl Histories {
    pub(crate) fn add(&mut self, seen: Vec<Seen>) {
        seen.into_iter().for_each(|seen| self.seen.entry(seen.journal).or_default().push(seen));
    }

    pub(crate) fn check(&self, ends: &Ends) -> Result<Summary, String> {
        let mut summary = Summary::default();
        let nothing = (Vec::new(), Vec::new());
        for (journal, (tags, mirrored)) in ends {
            let name = |what: String| format!("journal/{journal}: {what}");
            check_mirror(tags, mirrored).map_err(name)?;
            if !self.seen.contains_key(journal) {
                return Err(name("nobody called it".to_owned()));
            }
        }
        for (journal, seen) in &self.seen {
            let (tags, _) = ends.get(journal).unwrap_or(&nothing);
            check_journal(seen, tags, &mut summary).map_err(|what| format!("journal/{journal}: {what}"))?;
        }
        if summary.acknowledged == 0 || summary.looks == 0 {
            return Err("nothing happened".to_owned());
        }
        Ok(summary)
    }
}

fn check_mirror(tags: &[u64], mirrored: &[u64]) -> Result<(), String> {
    let differs = tags.iter().zip(mirrored).position(|(tag, other)| tag != other);
    match differs {
        Some(at) => Err(format!("its mirror has another tag at {at}")),
        None if tags.len() == mirrored.len() => Ok(()),
        None => Err(format!("it has {} tags, and its mirror {}", tags.len(), mirrored.len())),
    }
}

fn check_journal(seen: &[Seen], tags: &[u64], summary: &mut Summary) -> Result<(), String> {
    let places: BTreeMap<u64, usize> = tags.iter().enumerate().map(|(at, tag)| (*tag, at)).collect();
    if places.len() < tags.len() {
        return Err("a tag is there twice".to_owned());
    }
    let mut known = BTreeSet::new();
    // In the order of the journal: the n-th tag, then the looks that saw n tags.
    let mut order = Vec::new();
    for seen in seen {
        match seen.what {
            What::Read { count } => {
                summary.looks += 1;
                order.push((count, true, seen.asked, seen.answered));
            }
            What::Add { tag, outcome } => {
                known.insert(tag);
                let place = places.get(&tag).map(|at| at + 1);
                let last = match (outcome, place) {
                    (Outcome::Done(count), Some(place)) if count == place => {
                        summary.acknowledged += 1;
                        seen.answered
                    }
                    (Outcome::Done(_), None) => return Err(format!("tag {tag} was acknowledged, and is lost")),
                    (Outcome::Done(count), Some(place)) => {
                        return Err(format!("tag {tag} is number {place}, and was told that it is {count}"));
                    }
                    (Outcome::Refused, None) if tag.is_multiple_of(REFUSED) => {
                        summary.refused += 1;
                        continue;
                    }
                    (Outcome::Failed, None) => {
                        summary.failed += 1;
                        continue;
                    }
                    (Outcome::Unknown, None) => {
                        summary.unknown += 1;
                        continue;
                    }
                    (Outcome::Unknown, Some(_)) => {
                        (summary.unknown, summary.unknown_done) = (summary.unknown + 1, summary.unknown_done + 1);
                        Duration::MAX
                    }
                    (outcome, place) => return Err(format!("tag {tag} is {outcome:?}, and is number {place:?}")),
                };
                if let Some(place) = place {
                    order.push((place, false, seen.asked, last));
                }
            }
        }
    }
    if let Some(stranger) = tags.iter().find(|tag| !known.contains(tag)) {
        return Err(format!("nobody added tag {stranger}"));
    }
    order.sort_unstable();
    let mut moment = Duration::ZERO;
    for (place, is_read_only, asked, answered) in order {
        moment = moment.max(asked);
        if moment > answered {
            let what = if is_read_only { "a read that saw" } else { "the add of" };
            return Err(format!(
                "{what} number {place}, asked at {asked:?} and answered at {answered:?}, fits nowhere"
            ));
        }
        if place > tags.len() {
            return Err(format!("a read saw {place} tags, and there are {}", tags.len()));
        }
    }
    Ok(())
}

/// Planted faults are caught: a check that cannot fail proves nothing. Run before everything else.
pub(crate) fn try_the_checks() {
    let at = Duration::from_secs;
    let add = |tag, asked, answered, outcome| Seen {
        journal: 1,
        asked: at(asked),
        answered: at(answered),
        what: What::Add { tag, outcome },
    };
    let look = |count, asked, answered| Seen {
        journal: 1,
        asked: at(asked),
        answered: at(answered),
        what: What::Read { count },
    };
    let check = |seen: &[Seen], tags: &[u64]| check_journal(seen, tags, &mut Summary::default());
    let done = Outcome::Done;
    assert!(check(&[add(1, 0, 2, done(1)), add(2, 1, 3, done(2)), look(2, 2, 4)], &[1, 2]).is_ok());
    assert!(check(&[add(1, 0, 1, Outcome::Unknown), look(0, 2, 3), look(1, 4, 5)], &[1]).is_ok(), "it came late");
    let broken: &[(&[Seen], &[u64])] = &[
        (&[add(1, 0, 1, done(1))], &[]),
        (&[add(1, 0, 1, done(1))], &[1, 1]),
        (&[add(1, 0, 1, done(1)), add(2, 2, 3, done(1))], &[1, 2]),
        (&[add(1, 2, 3, done(1)), add(2, 0, 1, done(2))], &[1, 2]),
        (&[add(1, 0, 1, Outcome::Failed)], &[1]),
        (&[add(13, 0, 1, Outcome::Refused)], &[13]),
        (&[add(1, 0, 1, done(1)), look(0, 2, 3)], &[1]),
        (&[add(1, 4, 5, done(1)), look(1, 2, 3)], &[1]),
        (&[add(1, 0, 1, done(1))], &[1, 2]),
    ];
    for (seen, tags) in broken {
        assert!(check(seen, tags).is_err(), "{seen:?} with {tags:?} passes");
    }
    assert!(check_mirror(&[1, 2], &[2, 1]).is_err() && check_mirror(&[1], &[]).is_err());
}

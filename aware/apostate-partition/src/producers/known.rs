//! Known producers: when each was last heard, and which are forgotten because they were silent for too long.
//!
//! A producer costs a watermark and a row for as long as it is known. Some are kept however long they are silent, so that devices that speak
//! once a week need not care; above that, those are forgotten that were silent for longer than the retention, the longest silent first.
//! One that comes back is not taken for a new one: its old numbers would be applied again.
//!
//! The time stands in a row of its own, which is written again only when a part of the retention has passed: a message costs no more for it.
//!
//! Invariant E1: a producer is forgotten with its watermark only if its name is refused from then on.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/producers.rs`; planted `forgotten-producer-taken`.

mod split;

use std::collections::BTreeSet;
use std::time::Duration;

use apostate_core::{EntityKey, Timestamp};
use rustc_hash::FxHashMap;

use crate::limits::Tuning;
use crate::producers::forgotten::ForgottenProducers;

/// Most producers that one record forgets, or whose times it writes.
const PASS_PRODUCERS: usize = 256;

/// A time is written again once this part of the retention has passed.
const GRAIN_PARTS: u32 = 16;

/// Producers that the partition has a watermark of.
#[derive(Debug, Default)]
pub(crate) struct KnownProducers {
    /// When each was heard, as its row says.
    heard: FxHashMap<EntityKey, Timestamp>,
    /// The same in the order of time.
    by_time: BTreeSet<(Timestamp, EntityKey)>,
    /// Those whose time is in no row: an older build wrote their watermarks.
    unwritten: BTreeSet<EntityKey>,
    forgotten: ForgottenProducers,
    /// None is forgotten before then.
    pass_at: Timestamp,
}

/// How long a row is not written again.
fn grain(tuning: &Tuning) -> Duration {
    tuning.producer_retention / GRAIN_PARTS
}

impl KnownProducers {
    /// Number of them.
    pub(crate) fn len(&self) -> usize {
        self.heard.len()
    }

    /// Whether a producer that is not known was perhaps forgotten.
    pub(crate) fn may_have_forgotten(&self, name: &EntityKey) -> bool {
        !self.heard.contains_key(name) && self.forgotten.may_have(name)
    }

    /// A producer is heard. Gives whether its row is to be written.
    pub(crate) fn note_heard(&mut self, name: &EntityKey, now: Timestamp, tuning: &Tuning) -> bool {
        let is_fresh = |heard: &Timestamp| now.since(*heard) < grain(tuning);
        if self.heard.get(name).is_some_and(is_fresh) && !self.unwritten.contains(name) {
            return false;
        }
        self.set(name.clone(), Some(now));
        true
    }

    fn set(&mut self, name: EntityKey, heard: Option<Timestamp>) {
        let before = match heard {
            Some(heard) => {
                self.by_time.insert((heard, name.clone()));
                self.heard.insert(name.clone(), heard)
            }
            None => self.heard.remove(&name),
        };
        self.unwritten.remove(&name);
        if let Some(before) = before.filter(|before| Some(*before) != heard) {
            self.by_time.remove(&(before, name));
        }
    }

    /// Whether a record of its own is to be made now.
    pub(crate) fn is_due(&self, now: Timestamp, tuning: &Tuning) -> bool {
        now >= self.pass_at && (!self.unwritten.is_empty() || self.oldest_silent(now, tuning).is_some())
    }

    /// The producer that was silent for longest, if it is to be forgotten. Its row may be older than its last message, by a part of the retention.
    fn oldest_silent(&self, now: Timestamp, tuning: &Tuning) -> Option<&EntityKey> {
        let (heard, name) = self.by_time.first()?;
        let is_silent = now.since(*heard) > tuning.producer_retention + grain(tuning);
        (is_silent && self.heard.len() > tuning.silent_producers_max).then_some(name)
    }

    /// Producers whose rows are to be written, for an older build wrote none.
    pub(crate) fn take_unwritten(&mut self) -> Vec<(EntityKey, Timestamp)> {
        let mut taken = Vec::new();
        while taken.len() < PASS_PRODUCERS
            && let Some(name) = self.unwritten.pop_first()
        {
            let heard = self.heard.get(&name).copied().unwrap_or_default();
            taken.push((name, heard));
        }
        taken
    }

    /// Forgets those that were silent for too long, but for those that `waits` says have sent something.
    pub(crate) fn take_silent(
        &mut self,
        now: Timestamp,
        tuning: &Tuning,
        waits: impl Fn(&EntityKey) -> bool,
    ) -> Vec<EntityKey> {
        let mut silent = Vec::new();
        for _ in 0..PASS_PRODUCERS {
            let Some(name) = self.oldest_silent(now, tuning).cloned() else { break };
            if waits(&name) {
                // It is heard when that is handled.
                self.set(name.clone(), Some(now));
                self.unwritten.insert(name);
                continue;
            }
            self.forgotten.insert(&name);
            self.set(name.clone(), None);
            silent.push(name);
        }
        if self.oldest_silent(now, tuning).is_none() {
            self.pass_at = now.after(grain(tuning));
        }
        silent
    }

    /// The row of those that were forgotten.
    pub(crate) fn forgotten_row(&self) -> Vec<u8> {
        self.forgotten.to_bytes()
    }
}

/// Opening.
impl KnownProducers {
    /// Takes over when a producer was heard, or that it is forgotten.
    pub(crate) fn restore(&mut self, name: EntityKey, heard: Option<Timestamp>) {
        self.set(name, heard);
    }

    /// Takes over those that were forgotten.
    pub(crate) fn restore_forgotten(&mut self, forgotten: ForgottenProducers) {
        self.forgotten = forgotten;
    }

    /// Producers that there is a watermark of, and no time: they count as heard now.
    pub(crate) fn end_opening<'a>(&mut self, with_watermark: impl Iterator<Item = &'a EntityKey>, now: Timestamp) {
        for name in with_watermark {
            if !self.heard.contains_key(name) {
                self.set(name.clone(), Some(now));
                self.unwritten.insert(name.clone());
            }
        }
    }

    /// The partition serves from now on. Who waited for that has some time to be heard.
    pub(crate) fn begin(&mut self, now: Timestamp, tuning: &Tuning) {
        self.pass_at = now.after(grain(tuning));
    }
}

impl KnownProducers {
    /// Whether each stands once in both orders, and just those of `has_watermark` are known.
    pub(crate) fn check(&self, has_watermark: impl Fn(&EntityKey) -> bool) {
        assert!(self.heard.len() == self.by_time.len(), "E1 broken: a producer is known at two times");
        for (heard, name) in &self.by_time {
            assert!(self.heard.get(name) == Some(heard), "E1 broken: producer {name} is known at another time");
            assert!(has_watermark(name), "E1 broken: producer {name} is known, and its watermark is not");
        }
        assert!(
            self.unwritten.iter().all(|name| self.heard.contains_key(name)),
            "E1 broken: an unknown producer has no row"
        );
    }
}

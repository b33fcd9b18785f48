//! Splits and merges what is known of producers. Each side of a split has its part of every watermark, and so knows every producer.

use apostate_core::{EntityKey, Timestamp};

use super::KnownProducers;

impl KnownProducers {
    /// Producers, and when their rows say that they were heard.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&EntityKey, Timestamp)> {
        let written = self.by_time.iter().filter(|(_, name)| !self.unwritten.contains(name));
        written.map(|(heard, name)| (name, *heard))
    }

    /// Whether any was forgotten.
    pub(crate) fn has_forgotten(&self) -> bool {
        self.forgotten.has_any()
    }

    /// The producers that each side knows: all.
    pub(in crate::producers) fn split(self) -> [Self; 2] {
        let Self { heard, by_time, unwritten, forgotten, pass_at } = self;
        let [one, two] = forgotten.split();
        let copy = |forgotten| Self {
            heard: heard.clone(),
            by_time: by_time.clone(),
            unwritten: unwritten.clone(),
            forgotten,
            pass_at,
        };
        [copy(one), copy(two)]
    }

    /// The producers of two sides. Gives those that one knows and the other has perhaps forgotten: they are forgotten.
    pub(in crate::producers) fn merge(mut self, other: Self) -> (Self, Vec<EntityKey>) {
        let Self { heard: others, by_time, unwritten, forgotten, pass_at } = other;
        let lost_there = self
            .by_time
            .iter()
            .map(|(_, name)| name)
            .filter(|name| !others.contains_key(*name) && forgotten.may_have(name));
        let lost_here = by_time.iter().map(|(_, name)| name).filter(|name| self.may_have_forgotten(name));
        let mut lost: Vec<_> = lost_there.chain(lost_here).cloned().collect();
        lost.sort_unstable();
        for (heard, name) in by_time {
            let newest = self.heard.get(&name).map_or(heard, |before| heard.max(*before));
            let is_unwritten = unwritten.contains(&name) || self.unwritten.contains(&name);
            self.set(name.clone(), Some(newest));
            if is_unwritten {
                self.unwritten.insert(name);
            }
        }
        self.forgotten = self.forgotten.merge(forgotten);
        for name in &lost {
            self.set(name.clone(), None);
            self.forgotten.insert(name);
        }
        self.pass_at = self.pass_at.max(pass_at);
        (self, lost)
    }
}

//! Message counts: what became of messages between entities, by kind and handler, for `/metrics`.
//!
//! Each thread that runs partitions has words of its own: counting is an addition to a word that no other thread
//! writes, without lock or allocation. They are added up when somebody asks. There is a row for each handler of this build, and no other.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apostate_core::Registry;
use apostate_partition::RunEnd;
use hashbrown::HashTable;

/// The counts of all threads of a node.
#[derive(Debug, Default)]
pub(crate) struct MessageCounts {
    /// Kind and handler of each row, as one number, and the row's index.
    rows: HashTable<(u64, usize)>,
    /// The names of each row.
    names: Vec<(&'static str, &'static str)>,
    /// For each thread that ever ran something, by its slot: its rows.
    threads: Box<[OnceLock<Box<[Row]>>]>,
    /// For each row: messages that were parked. Rare, so that all threads share them.
    parked: Box<[AtomicU64]>,
}

/// The counts of one handler in one thread.
#[derive(Debug, Default)]
struct Row {
    done: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    timed: AtomicU64,
    nanos: AtomicU64,
}

/// The counts of one handler in all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HandlerCounts {
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    pub(crate) parked: u64,
    /// Runs whose duration was measured.
    pub(crate) timed: u64,
    /// The duration of those.
    pub(crate) took: Duration,
}

/// Names' hashes are as good as random.
fn hash_of(id: u64) -> u64 {
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn id_of(kind: u32, handler: u32) -> u64 {
    u64::from(kind) << 32 | u64::from(handler)
}

/// Adds to a word that no other thread writes.
fn add(word: &AtomicU64, more: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl MessageCounts {
    /// Counts of the handlers in `registry`, for so many threads.
    pub(crate) fn new(registry: &Registry, threads: usize) -> Self {
        let of_kind = |kind: &apostate_core::Kind| {
            let (id, name) = (kind.id.0, kind.name);
            kind.handlers.iter().map(move |info| (id_of(id, info.id().0), (name, info.name))).collect::<Vec<_>>()
        };
        let mut rows: Vec<_> = registry.kinds().iter().flat_map(of_kind).collect();
        rows.sort_unstable();
        let (ids, names): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let mut rows = HashTable::with_capacity(ids.len());
        for (index, &id) in ids.iter().enumerate() {
            rows.insert_unique(hash_of(id), (id, index), |(id, _)| hash_of(*id));
        }
        Self {
            threads: (0..threads).map(|_| OnceLock::new()).collect(),
            parked: ids.iter().map(|_| AtomicU64::new(0)).collect(),
            rows,
            names,
        }
    }

    /// A message of an entity was run by the thread with this slot. Called by that thread only.
    pub(crate) fn count(&self, thread: usize, (kind, handler): (u32, u32), end: RunEnd, took: Option<Duration>) {
        let id = id_of(kind, handler);
        let Some(&(_, index)) = self.rows.find(hash_of(id), |(other, _)| *other == id) else { return };
        let rows = || self.names.iter().map(|_| Row::default()).collect();
        let row = &self.threads[thread].get_or_init(rows)[index];
        let word = match end {
            RunEnd::Done => &row.done,
            RunEnd::Refused => &row.refused,
            RunEnd::Failed => &row.failed,
        };
        add(word, 1);
        if let Some(took) = took {
            add(&row.timed, 1);
            add(&row.nanos, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// A message for `handler` of the entity called `entity` was parked.
    pub(crate) fn count_parked(&self, entity: &str, handler: &str) {
        let kind = entity.split_once('/').map_or(entity, |(kind, _)| kind);
        if let Some(index) = self.names.iter().position(|names| *names == (kind, handler)) {
            self.parked[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts of each handler that was ever run by a message or had one parked, with the names of kind and handler.
    pub(crate) fn sums(&self) -> Vec<((&'static str, &'static str), HandlerCounts)> {
        let sum = |index: usize, word: fn(&Row) -> &AtomicU64| -> u64 {
            self.threads.iter().filter_map(OnceLock::get).map(|rows| word(&rows[index]).load(Ordering::Relaxed)).sum()
        };
        let of = |index: usize| HandlerCounts {
            done: sum(index, |row| &row.done),
            refused: sum(index, |row| &row.refused),
            failed: sum(index, |row| &row.failed),
            parked: self.parked[index].load(Ordering::Relaxed),
            timed: sum(index, |row| &row.timed),
            took: Duration::from_nanos(sum(index, |row| &row.nanos)),
        };
        let all = self.names.iter().enumerate().map(|(index, names)| (*names, of(index)));
        let mut used: Vec<_> = all.filter(|(_, counts)| *counts != HandlerCounts::default()).collect();
        used.sort_unstable_by_key(|(names, _)| *names);
        used
    }
}

#[cfg(test)]
mod tests {
    use apostate::prelude::*;
    use apostate_core::{Entities, HandlerId, KindId};

    use super::*;

    /// Something with handlers.
    #[entity(name = "shelf")]
    #[derive(Default, Serialize, Deserialize)]
    struct Shelf {}

    #[handlers]
    impl Shelf {
        /// Fills it.
        pub fn fill(&mut self) {}
        /// Empties it.
        pub fn clear(&mut self) {}
    }

    #[test]
    fn counts_of_all_threads_are_added_up_and_unknown_handlers_have_no_row() {
        let counts = MessageCounts::new(&<(Shelf,)>::registry().expect("a registry"), 2);
        let shelf = |handler| (KindId::of("shelf").0, HandlerId::of(handler).0);
        let took = Some(Duration::from_micros(3));
        counts.count(0, shelf("fill"), RunEnd::Done, None);
        counts.count(1, shelf("fill"), RunEnd::Done, took);
        counts.count(1, shelf("fill"), RunEnd::Refused, None);
        counts.count(1, shelf("fill"), RunEnd::Failed, took);
        counts.count(0, shelf("vanish"), RunEnd::Done, took);
        counts.count_parked("shelf/a/b", "fill");
        counts.count_parked("shelf/a", "0badcafe");
        let sum = HandlerCounts { done: 2, refused: 1, failed: 1, parked: 1, timed: 2, took: Duration::from_micros(6) };
        assert_eq!(counts.sums(), [(("shelf", "fill"), sum)]);
    }
}

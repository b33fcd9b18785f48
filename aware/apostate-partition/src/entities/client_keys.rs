//! Client keys: the memory of an entity for clients that ask twice.
//!
//! A client that did not hear an answer asks again with the same client key, and gets the same reply. The memory
//! is cells under the entity, written in the same commit as the effect. It is the paper's idempotence for those partners
//! that the platform does not number.
//!
//! In memory a key is its cell, as the checkpoint will write it, in a hash table: an answer is decoded only if somebody asks again.
//!
//! Of most entities all client keys are in memory while the entity is. An entity with very many has only the newest
//! there; a key that is not among them is asked of the store before its request runs. So is the first key of an entity whose state
//! says of no key, and of one that does not exist: it may have refused calls, and that leaves no state behind.
//!
//! Paper: *Idempotence*; *Activities*.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::Position;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::cells::remembered::Remembered;
use crate::cells::shared::SharedCell;
use crate::entities::key_age::is_outdated;
use crate::planted::{self, Bug};

/// How many client keys of one entity stay in memory although the store has them.
const KEYS_IN_MEMORY_MAX: usize = 4096;

/// About what a client key costs in memory besides the bytes of its cell: its place in the table, and what allocations waste.
const KEY_OVERHEAD_BYTES: usize = 80;

/// Keys that are too old are looked for again once this part of the retention has passed.
const EXPIRY_PARTS: u32 = 64;

/// A client key in memory: its cell.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    cell: SharedCell,
    /// Half of the hash: enough to find it, and to grow the table without reading its cell.
    hash: u32,
    /// Bytes of the client key, with which the key of its cell ends.
    key_length: u16,
    /// The record that it was made in; the last one possible until its batch is closed.
    record: Position,
    /// The generation that wrote it; the last one possible until its batch is closed.
    generation: u64,
}

/// The client keys of one entity, as far as they are in memory.
#[derive(Debug, Default)]
pub(crate) struct ClientKeys {
    known: HashTable<Known>,
    /// Keys that the store was asked for, and does not have.
    absent: BTreeSet<Box<str>>,
    /// Keys that the store is being asked for.
    asked: BTreeSet<Box<str>>,
    /// Whether the store was asked once which keys it has: else it may have any.
    is_looked_up: bool,
    /// Whether the store has keys that are not in memory.
    is_partial: bool,
    bytes: usize,
    /// The generation that the store held when there were last too many.
    evicted_at: u64,
    /// Keys in memory that were found too old, and are forgotten a few at a time.
    expired: Vec<Box<str>>,
    /// Before then they are not looked for again.
    expiry_at: Timestamp,
}

impl Known {
    /// One that was just made.
    pub(crate) fn new(cell: SharedCell, key: &str) -> Self {
        let (hash, key_length) = (hash_of(key), key.len() as u16);
        Self { cell, hash, key_length, record: Position(u64::MAX), generation: u64::MAX }
    }

    /// One that the log has.
    fn logged(cell: SharedCell, key: &str) -> Self {
        Self { record: Position(0), ..Self::new(cell, key) }
    }

    /// One that the store has.
    pub(crate) fn stored(cell: SharedCell, key: &str) -> Self {
        Self { generation: 0, ..Self::logged(cell, key) }
    }

    /// Whether it is durable, if records up to `durable` are.
    pub(crate) fn is_durable(&self, durable: Position) -> bool {
        self.record <= durable
    }

    /// The client key.
    pub(crate) fn key(&self) -> &str {
        let cell = self.cell.key();
        let key = std::str::from_utf8(&cell[cell.len() - usize::from(self.key_length)..]);
        key.expect("P4 broken: a client key is no text")
    }

    /// When it was used.
    pub(crate) fn time(&self) -> Timestamp {
        Remembered::time_of(self.value())
    }

    /// The answer that it got.
    pub(crate) fn remembered(&self) -> Remembered {
        Remembered::read(self.value()).expect("P4 broken: a client key in memory does not read")
    }

    fn value(&self) -> &[u8] {
        self.cell.value().expect("P4 broken: a client key in memory is a tombstone")
    }

    fn is(&self, key: &str) -> bool {
        usize::from(self.key_length) == key.len() && self.cell.key().ends_with(key.as_bytes())
    }

    fn bytes(&self) -> usize {
        self.cell.length() + KEY_OVERHEAD_BYTES
    }
}

/// Half of a hash of a client key: XXH3.
fn hash_of(key: &str) -> u32 {
    xxhash_rust::xxh3::xxh3_64(key.as_bytes()) as u32
}

/// The hash by which the table has a key: its place comes from the low bits, its tag from the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl ClientKeys {
    /// Whether nothing is known that the store does not have to be asked for anyhow.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { known, absent, asked, is_looked_up, is_partial, .. } = self;
        known.is_empty() && absent.is_empty() && asked.is_empty() && !is_looked_up && !is_partial
    }

    /// The answer that `key` got, if it is in memory.
    pub(crate) fn get(&self, key: &str) -> Option<&Known> {
        self.known.find(spread(hash_of(key)), |known| known.is(key))
    }

    /// Whether the store is known not to have `key`.
    pub(crate) fn is_absent(&self, key: &str) -> bool {
        self.absent.contains(key)
    }

    /// Remembers an answer, or puts one back that was forgotten in the open batch.
    pub(crate) fn insert(&mut self, known: Known) {
        self.bytes += known.bytes();
        match self.known.entry(spread(known.hash), |other| other.is(known.key()), |other| spread(other.hash)) {
            Entry::Occupied(mut place) => {
                let before = std::mem::replace(place.get_mut(), known);
                self.bytes -= before.bytes();
            }
            Entry::Vacant(place) => {
                place.insert(known);
            }
        }
    }

    /// Forgets an answer.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Known> {
        let found = self.known.find_entry(spread(hash_of(key)), |known| known.is(key)).ok()?;
        let (known, _) = found.remove();
        self.bytes -= known.bytes();
        Some(known)
    }

    /// Takes over what the log has of `key`: its cell, or none if it was deleted.
    pub(crate) fn restore(&mut self, key: &str, cell: Option<SharedCell>) {
        match cell {
            Some(cell) => {
                self.absent.remove(key);
                self.insert(Known::logged(cell, key));
            }
            None => {
                // The store may still have it.
                self.remove(key);
                self.absent.insert(key.into());
            }
        }
    }

    /// Takes over what the store has of `key`, unless memory knows better.
    pub(crate) fn insert_stored(&mut self, key: &str, cell: SharedCell) {
        if self.get(key).is_none() {
            self.insert(Known::stored(cell, key));
        }
    }

    /// Notes whether the store has keys that are not in memory.
    pub(crate) fn note_partial(&mut self, is_partial: bool) {
        (self.is_looked_up, self.is_partial) = (true, is_partial);
    }

    /// Notes whether the store had any key when it was asked for one, if it was never asked before. A key that came since is in memory.
    pub(crate) fn note_looked_up(&mut self, has_any: bool) {
        if !self.is_looked_up {
            self.is_looked_up = true;
            self.is_partial |= has_any;
        }
    }

    /// Notes that the store is asked for `key`. False: it is being asked.
    pub(crate) fn start_asking(&mut self, key: &str) -> bool {
        self.asked.insert(key.into())
    }

    /// Notes that the store has answered.
    pub(crate) fn end_asking(&mut self, key: &str) {
        self.asked.remove(key);
    }

    /// Whether the store is being asked for any key.
    pub(crate) fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether `key` is neither known, nor known to be absent: the store has to be asked.
    pub(crate) fn must_ask(&self, key: &str) -> bool {
        (self.is_partial || !self.is_looked_up) && self.get(key).is_none() && !self.absent.contains(key)
    }

    /// The store does not have `key`.
    pub(crate) fn note_absent(&mut self, key: Box<str>) {
        if self.absent.len() >= KEYS_IN_MEMORY_MAX {
            self.absent.clear();
        }
        self.absent.insert(key);
    }

    /// Up to two keys that are too old to be remembered any longer. All in memory are looked at now and then.
    pub(crate) fn take_expired(&mut self, now: Timestamp, retention: Duration) -> Vec<Box<str>> {
        if self.expired.is_empty() && now >= self.expiry_at {
            self.expiry_at = now.after((retention / EXPIRY_PARTS).max(Duration::from_millis(1)));
            let is_old = |known: &&Known| is_outdated(known.key(), known.time(), now, retention);
            #[expect(clippy::disallowed_methods, reason = "they are sorted")]
            let old = self.known.iter().filter(is_old);
            self.expired = old.map(|known| known.key().into()).collect();
            self.expired.sort_unstable();
        }
        let mut found = self.expired.split_off(self.expired.len().saturating_sub(2));
        // One of them may have been used anew since it was found.
        found.retain(|key| self.get(key).is_some_and(|known| is_outdated(key, known.time(), now, retention)));
        found
    }

    /// The cells of the keys in memory, in no order.
    #[expect(clippy::disallowed_methods, reason = "they are put in order by whoever asks")]
    pub(super) fn cells(&self) -> impl Iterator<Item = &SharedCell> {
        self.known.iter().map(|known| &known.cell)
    }

    /// Bytes that the keys in memory cost.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The remembering or forgetting of `changed` was closed as `record`, in `generation`; the store holds `stored`. Evicts what the store has if there is
    /// too much of it.
    pub(crate) fn note_closed(&mut self, changed: &Known, record: Position, (generation, stored): (u64, u64)) {
        if let Some(known) = self.known.find_mut(spread(changed.hash), |known| known.is(changed.key())) {
            (known.record, known.generation) = (record, generation);
        }
        if self.known.len() + self.absent.len() > KEYS_IN_MEMORY_MAX && self.evicted_at < stored {
            self.evicted_at = stored;
            self.evict(stored);
        }
    }

    /// The generation under way has another number: what was made in it says so.
    pub(crate) fn renumber_generation(&mut self, from: u64, to: u64) {
        #[expect(clippy::disallowed_methods, reason = "each is changed by itself")]
        for known in self.known.iter_mut().filter(|known| known.generation == from) {
            known.generation = to;
        }
    }

    /// All stand in durable records.
    pub(crate) fn forget_records(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "each is changed by itself")]
        self.known.iter_mut().for_each(|known| known.record = Position(0));
    }

    /// Leaves those keys to the store that it holds as of generation `stored`.
    pub(crate) fn evict(&mut self, stored: u64) {
        self.known.retain(|known| known.generation > stored && !planted::is(Bug::KeysDroppedEarly));
        if !planted::is(Bug::AbsentKept) {
            self.absent.clear();
        }
        self.is_partial |= !planted::is(Bug::EvictedKeysUntold);
        self.bytes = self.recounted();
    }

    /// The cost of the keys in memory, counted anew and not kept.
    #[expect(clippy::disallowed_methods, reason = "a sum has no order")]
    pub(super) fn recounted(&self) -> usize {
        self.known.iter().map(Known::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::Answer;

    fn known(key: &str, time: u64, reply: &[u8]) -> Known {
        let mut cell = key.as_bytes().to_vec();
        let answer = Answer::Done { reply: reply.to_vec(), version: 1 };
        Remembered::write(9, Timestamp(time), &answer, &mut cell);
        Known::new(SharedCell::put(&cell, key.len()), key)
    }

    #[test]
    fn keys_are_counted_as_they_come_and_go() {
        let value = 8 + 8 + 1 + 8;
        let mut keys = ClientKeys::default();
        keys.insert(known("a", 8, b"reply"));
        keys.insert(known("a", 8, b"another reply"));
        keys.insert(known("b", 8, b""));
        assert_eq!(keys.bytes(), 1 + value + 13 + 1 + value + 2 * KEY_OVERHEAD_BYTES);
        assert!(keys.remove("a").is_some());
        assert!(keys.remove("a").is_none());
        assert_eq!(keys.bytes(), 1 + value + KEY_OVERHEAD_BYTES);
        keys.note_closed(&known("b", 8, b""), Position(1), (1, 0));
        keys.evict(1);
        assert_eq!(keys.bytes(), 0);
    }

    #[test]
    fn the_newest_answer_of_a_key_is_found_among_many() {
        let mut keys = ClientKeys::default();
        for round in 0..2 {
            for number in 0..5000_u64 {
                keys.insert(known(&format!("key-{number}"), round, &number.to_le_bytes()));
            }
        }
        for number in 0..5000_u64 {
            let known = keys.get(&format!("key-{number}")).expect("it is there");
            assert_eq!(known.time(), Timestamp(1));
            assert_eq!(known.remembered().answer, Answer::Done { reply: number.to_le_bytes().to_vec(), version: 1 });
        }
        assert!(keys.get("key-5000").is_none());
        assert_eq!(keys.bytes(), keys.recounted());
    }

    #[test]
    fn keys_that_are_too_old_are_taken_two_at_a_time() {
        let hour = Duration::from_secs(3600);
        let mut keys = ClientKeys::default();
        for key in ["a", "b", "c"] {
            keys.insert(known(key, 8, b""));
        }
        let later = Timestamp(8).after(2 * hour);
        keys.insert(known("d", later.0, b""));
        assert!(keys.take_expired(Timestamp(8).after(hour), hour).is_empty());
        let mut found = keys.take_expired(later, hour);
        assert_eq!(found.len(), 2);
        found.extend(keys.take_expired(later, hour));
        found.sort();
        assert_eq!(found, ["a".into(), "b".into(), "c".into()]);
        assert!(keys.take_expired(later, hour).is_empty());
    }

    #[test]
    fn a_key_that_was_found_too_old_and_is_used_anew_is_not_forgotten() {
        let hour = Duration::from_secs(3600);
        let mut keys = ClientKeys::default();
        ["a", "b", "c"].into_iter().for_each(|key| keys.insert(known(key, 8, b"")));
        let later = Timestamp(8).after(2 * hour);
        assert_eq!(keys.take_expired(later, hour).len(), 2);
        let left = ["a", "b", "c"].into_iter().find(|key| keys.expired.contains(&(*key).into())).expect("one is left");
        keys.insert(known(left, later.0, b"anew"));
        assert!(keys.take_expired(later, hour).is_empty());
    }
}

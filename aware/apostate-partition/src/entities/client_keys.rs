//! Client keys: the memory of an entity for clients that ask twice.
//!
//! A client that did not hear an answer asks again with the same client key, and gets the same reply. The memory
//! is cells under the entity, written in the same commit as the effect. It is the paper's idempotence for those partners
//! that the platform does not number.
//!
//! Of most entities all client keys are in memory while the entity is. An entity with very many has only the newest
//! there; a key that is not among them is asked of the store before its request runs.
//!
//! Paper: *Idempotence*; *Activities*.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use apostate_core::{Refusal, Timestamp};
use apostate_log::Position;

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format};
use crate::interface::{Answer, Request, RequestKind};
use crate::limits::CLIENT_KEY_BYTES_MAX;
use crate::message;

/// The answer that a client key got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) fingerprint: u64,
    pub(crate) time: Timestamp,
    pub(crate) answer: Answer,
}

/// How many client keys of one entity stay in memory although the store has them.
const KEYS_IN_MEMORY_MAX: usize = 4096;

/// About what a client key costs in memory besides its bytes.
const KEY_OVERHEAD_BYTES: usize = 160;

/// A client key in memory.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) remembered: Arc<Remembered>,
    /// The record that it was made in; the last one possible until its batch is closed.
    record: Position,
    /// The generation that wrote it; the last one possible until its batch is closed.
    generation: u64,
}

/// The client keys of one entity, as far as they are in memory.
#[derive(Debug, Default)]
pub(crate) struct ClientKeys {
    known: BTreeMap<Box<str>, Known>,
    /// Keys that the store was asked for, and does not have.
    absent: BTreeSet<Box<str>>,
    /// Keys that the store is being asked for.
    asked: BTreeSet<Box<str>>,
    /// Whether the store has keys that are not in memory.
    is_partial: bool,
    bytes: usize,
    /// The generation that the store held when there were last too many.
    evicted_at: u64,
}

impl Known {
    /// One that was just made.
    pub(crate) fn new(remembered: Remembered) -> Self {
        Self { remembered: Arc::new(remembered), record: Position(u64::MAX), generation: u64::MAX }
    }

    /// One that the log has.
    fn logged(remembered: Remembered) -> Self {
        Self { record: Position(0), ..Self::new(remembered) }
    }

    /// One that the store has.
    pub(crate) fn stored(remembered: Remembered) -> Self {
        Self { generation: 0, ..Self::logged(remembered) }
    }

    /// Whether it is durable, if records up to `durable` are.
    pub(crate) fn is_durable(&self, durable: Position) -> bool {
        self.record <= durable
    }
}

impl ClientKeys {
    /// The answer that `key` got, if it is in memory.
    pub(crate) fn get(&self, key: &str) -> Option<&Known> {
        self.known.get(key)
    }

    /// Whether the store is known not to have `key`.
    pub(crate) fn is_absent(&self, key: &str) -> bool {
        self.absent.contains(key)
    }

    /// Remembers an answer, or puts one back that was forgotten in the open batch.
    pub(crate) fn insert(&mut self, key: Box<str>, known: Known) {
        self.remove(&key);
        self.bytes += known.bytes(&key);
        self.known.insert(key, known);
    }

    /// Forgets an answer.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Known> {
        let known = self.known.remove(key)?;
        self.bytes -= known.bytes(key);
        Some(known)
    }

    /// Takes over what the log has of `key`. For opening only.
    pub(crate) fn restore(&mut self, key: &str, remembered: Option<Remembered>) {
        match remembered {
            Some(remembered) => {
                self.absent.remove(key);
                self.insert(key.into(), Known::logged(remembered));
            }
            None => {
                // The store may still have it.
                self.remove(key);
                self.absent.insert(key.into());
            }
        }
    }

    /// Takes over what the store has of `key`, unless memory knows better.
    pub(crate) fn insert_stored(&mut self, key: &str, remembered: Remembered) {
        if !self.known.contains_key(key) {
            self.insert(key.into(), Known::stored(remembered));
        }
    }

    /// Notes whether the store has keys that are not in memory.
    pub(crate) fn note_partial(&mut self, is_partial: bool) {
        self.is_partial = is_partial;
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
        self.is_partial && !self.known.contains_key(key) && !self.absent.contains(key)
    }

    /// The store does not have `key`.
    pub(crate) fn note_absent(&mut self, key: Box<str>) {
        if self.absent.len() >= KEYS_IN_MEMORY_MAX {
            self.absent.clear();
        }
        self.absent.insert(key);
    }

    /// Up to two keys that are too old to be remembered any longer.
    pub(crate) fn expired(&self, now: Timestamp, retention: Duration) -> Vec<Box<str>> {
        // The first few do: what is asked for often has its turn often.
        let looked_at = self.known.iter().take(16);
        let old = looked_at.filter(|(key, known)| is_outdated(key, known.remembered.time, now, retention));
        old.take(2).map(|(key, _)| key.clone()).collect()
    }

    /// Bytes that the keys in memory cost.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A change of `key` was closed as `record`, in `generation`; the store holds `stored`. Evicts what the store has if there is
    /// too much of it.
    pub(crate) fn note_closed(&mut self, key: &str, record: Position, (generation, stored): (u64, u64)) {
        if let Some(known) = self.known.get_mut(key) {
            (known.record, known.generation) = (record, generation);
        }
        if self.known.len() + self.absent.len() > KEYS_IN_MEMORY_MAX && self.evicted_at < stored {
            self.evicted_at = stored;
            self.evict(stored);
        }
    }

    /// Leaves those keys to the store that it holds as of generation `stored`.
    pub(crate) fn evict(&mut self, stored: u64) {
        self.known.retain(|_, known| known.generation > stored);
        self.absent.clear();
        self.is_partial = true;
        self.bytes = self.known.iter().map(|(key, known)| known.bytes(key)).sum();
    }
}

impl Known {
    fn bytes(&self, key: &str) -> usize {
        let reply = match &self.remembered.answer {
            Answer::Done { reply, .. } => reply.len(),
            _ => 0,
        };
        key.len() + reply + KEY_OVERHEAD_BYTES
    }
}

impl ClientKeys {
    /// The cost of the keys in memory, counted anew and not kept.
    pub(super) fn recounted(&self) -> usize {
        self.known.iter().map(|(key, known)| known.bytes(key)).sum()
    }
}

const DONE: u8 = 0;
const REFUSED: u8 = 1;

impl Remembered {
    /// The cell's value.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let Self { fingerprint, time, answer } = self;
        bytes.extend_from_slice(&fingerprint.to_le_bytes());
        bytes.extend_from_slice(&time.0.to_le_bytes());
        match answer {
            Answer::Done { reply, version } => {
                bytes.push(DONE);
                bytes.extend_from_slice(&version.to_le_bytes());
                bytes.extend_from_slice(reply);
            }
            Answer::Refused(refusal) => {
                bytes.push(REFUSED);
                apostate_core::encode_into(refusal, bytes);
            }
            Answer::Repeated(_) | Answer::Duplicate | Answer::Accepted | Answer::Failed(_) => {
                unreachable!("only what was done or refused is remembered")
            }
        }
    }

    /// Reads a cell's value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (fingerprint, rest) = bytes.split_first_chunk().ok_or(Damaged)?;
        let (time, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (&tag, rest) = rest.split_first().ok_or(Damaged)?;
        let answer = match tag {
            DONE => {
                let (version, reply) = rest.split_first_chunk().ok_or(Damaged)?;
                Answer::Done { reply: reply.to_vec(), version: u64::from_le_bytes(*version) }
            }
            REFUSED => Answer::Refused(apostate_core::decode::<Refusal>(rest).map_err(|_| Damaged)?),
            newer => return Err(DecodeError::newer(Format::Answer, newer)),
        };
        let time = Timestamp(u64::from_le_bytes(*time));
        Ok(Self { fingerprint: u64::from_le_bytes(*fingerprint), time, answer })
    }
}

/// A request as one number: a repetition has the same.
pub(crate) fn fingerprint(request: &Request) -> u64 {
    request.digest.map_or_else(|| payload_fingerprint(request), |digest| of_request(request, &digest.to_le_bytes()))
}

/// The handler's arguments as one number.
fn payload_fingerprint(request: &Request) -> u64 {
    of_request(request, &request.body)
}

fn of_request(request: &Request, says: &[u8]) -> u64 {
    message::fingerprint(&request.to, request.handler, says)
}

/// Whether a request asks for what a client key remembers: by what its caller said, or else by what its handler is told, as
/// a caller in the process says it. To recall without a digest is to ask for whatever it was.
pub(crate) fn is_repetition(remembered: u64, request: &Request) -> bool {
    let is_any = matches!(request.request_kind, RequestKind::Recall { .. }) && request.digest.is_none();
    is_any
        || remembered == fingerprint(request)
        || (request.digest.is_some() && remembered == payload_fingerprint(request))
}

/// Whether a client key has a fitting length.
pub(crate) fn is_fitting(key: &str) -> bool {
    (1..=CLIENT_KEY_BYTES_MAX).contains(&key.len())
}

/// Whether `key` is a UUID of version 7 that was made longer ago than keys are remembered: nobody can tell any more
/// whether it was used.
pub(crate) fn is_expired(key: &str, now: Timestamp, retention: Duration) -> bool {
    made(key).is_some_and(|made| now.since(made) > retention)
}

/// Whether `key` is a UUID of version 7 that will be made later than keys are remembered from now on. It would be kept for
/// as long as its sender likes.
pub(crate) fn is_ahead(key: &str, now: Timestamp, retention: Duration) -> bool {
    made(key).is_some_and(|made| made.since(now) > retention)
}

/// Whether what `key` remembers since `time` is to be forgotten. One that says when it was made is remembered until it has
/// expired, also if its sender's clock is ahead of ours: else it would be run again in between.
pub(crate) fn is_outdated(key: &str, time: Timestamp, now: Timestamp, retention: Duration) -> bool {
    now.since(made(key).map_or(time, |made| made.max(time))) > retention
}

/// The time at which a UUID of version 7 was made, as it says itself.
pub(crate) fn made(key: &str) -> Option<Timestamp> {
    let bytes = key.as_bytes();
    let is_uuid = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|&at| bytes[at] == b'-') && bytes[14] == b'7';
    if !is_uuid {
        return None;
    }
    let (high, low) = key.get(..8).zip(key.get(9..13))?;
    u64::from_str_radix(&format!("{high}{low}"), 16).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_reads_back() {
        for answer in [
            Answer::Done { reply: vec![1, 2], version: 7 },
            Answer::Done { reply: vec![], version: 0 },
            Answer::Refused(Refusal::with_code("out-of-stock", "none left")),
        ] {
            let remembered = Remembered { fingerprint: 9, time: Timestamp(8), answer };
            let mut bytes = Vec::new();
            remembered.write(&mut bytes);
            assert_eq!(Remembered::read(&bytes), Ok(remembered));
            assert_eq!(Remembered::read(&bytes[..12]), Err(Damaged));
            bytes[16] = 9;
            assert_eq!(Remembered::read(&bytes), Err(DecodeError::newer(Format::Answer, 9)));
        }
    }

    #[test]
    fn keys_are_counted_as_they_come_and_go() {
        let known = |reply: &[u8]| {
            let answer = Answer::Done { reply: reply.to_vec(), version: 1 };
            Known::new(Remembered { fingerprint: 9, time: Timestamp(8), answer })
        };
        let mut keys = ClientKeys::default();
        keys.insert("a".into(), known(b"reply"));
        keys.insert("a".into(), known(b"another reply"));
        keys.insert("b".into(), known(b""));
        assert_eq!(keys.bytes(), 1 + 13 + 1 + 2 * KEY_OVERHEAD_BYTES);
        assert!(keys.remove("a").is_some());
        assert!(keys.remove("a").is_none());
        assert_eq!(keys.bytes(), 1 + KEY_OVERHEAD_BYTES);
        keys.note_closed("b", Position(1), (1, 0));
        keys.evict(1);
        assert_eq!(keys.bytes(), 0);
    }

    #[test]
    fn only_an_old_uuid_of_version_7_is_expired() {
        let hour = Duration::from_secs(3600);
        let made = Timestamp(0x0192_0000_0000);
        let key = "01920000-0000-7abc-8def-0123456789ab";
        assert!(!is_expired(key, made.after(hour), hour));
        assert!(is_expired(key, made.after(2 * hour), hour));
        assert!(!is_expired("01920000-0000-4abc-8def-0123456789ab", made.after(2 * hour), hour));
        assert!(!is_expired("order-42", made.after(2 * hour), hour));
    }

    #[test]
    fn a_uuid_of_version_7_is_never_forgotten_before_it_is_expired() {
        let hour = Duration::from_secs(3600);
        let used = Timestamp(0x0192_0000_0000);
        let ahead = "01920010-0000-7abc-8def-0123456789ab"; // 17 minutes
        for minutes in 0..300 {
            let now = used.after(minutes * hour / 60);
            assert!(!is_outdated(ahead, used, now, hour) || is_expired(ahead, now, hour), "{minutes}");
        }
        assert!(is_outdated(ahead, used, used.after(2 * hour), hour), "but it is forgotten");
        assert!(is_outdated("order-42", used, used.after(2 * hour), hour));
        assert!(!is_ahead(ahead, used, hour));
        assert!(is_ahead("01930000-0000-7abc-8def-0123456789ab", used, hour));
    }
}

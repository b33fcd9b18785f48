//! Client keys, as the durable records have them: each gets one answer, for as long as it is remembered and no longer.
//!
//! Invariant E1: no answer is forgotten, or replaced by another one, before the retention is over; else its request could be applied
//! twice. What is answered is what is remembered, and durable. And a key that is too old is not answered from memory: its client
//! may have used it for something new.

use std::collections::BTreeMap;
use std::time::Duration;

use apostate_core::{Address, Refusal, Timestamp, decode};
use apostate_partition::Answer;
use apostate_partition::cell::{self, Section};
use bytes::Bytes;

use crate::check::shadow::Changed;
use crate::outside::made;
use crate::violation::{Check, Violation, ensure};

/// Every answer that a client key ever got.
#[derive(Debug)]
pub(crate) struct Keys {
    retention: Duration,
    /// By the key's cell.
    given: BTreeMap<Bytes, Vec<Bytes>>,
}

impl Keys {
    pub(crate) fn new(retention: Duration) -> Self {
        Self { retention, given: BTreeMap::new() }
    }

    /// A record of this time has become durable, which changes these cells.
    pub(crate) fn durable(&mut self, changes: &[Changed], time: Timestamp) -> Check {
        for change in changes.iter().filter(|change| change.section == Section::ClientKeys) {
            let Changed { key, address, before, after, .. } = change;
            if let Some(before) = before
                && matches!(answer_of(before)?, Answer::Pending { .. })
            {
                let after = after.as_ref().map(|after| answer_of(after)).transpose()?;
                let is_over = after.is_some_and(|after| !matches!(after, Answer::Pending { .. }));
                ensure!(
                    is_over,
                    "E1",
                    "a client key of {address:?} that is pending is forgotten, or pending twice: {key:?}"
                );
            } else if let Some(before) = before {
                let text = cell::read_key(key).ok().and_then(|cell| std::str::from_utf8(cell.sub).ok());
                let used = text.and_then(made).unwrap_or_default().max(used_at(before)?);
                let end = if after.is_none() { "forgotten" } else { "answered anew" };
                ensure!(
                    time.since(used) > self.retention,
                    "E1",
                    "a client key of {address:?} used at {} is {end} at {}: {key:?}",
                    used.0,
                    time.0
                );
            }
            if let Some(after) = after {
                self.given.entry(key.clone()).or_default().push(after.clone());
            }
        }
        Ok(())
    }

    /// A call under a client key is answered; the partition's time was `asked_at` or later when it was asked.
    pub(crate) fn answered(&self, to: &Address, key: &str, answer: &Answer, asked_at: Timestamp) -> Check {
        let (first, is_repeated) = match answer {
            Answer::Repeated(first) => (&**first, true),
            first @ (Answer::Done { .. } | Answer::Refused(_) | Answer::Pending { .. } | Answer::Expired) => {
                (first, false)
            }
            Answer::Failed(_) | Answer::Duplicate | Answer::Accepted => return Ok(()),
        };
        let cell = cell::key(Section::ClientKeys, to, key.as_bytes());
        for given in self.given.get(&cell[..]).into_iter().flatten() {
            // One that would be refused as too old gets its answer for as long as that is there.
            let is_young = made(key).is_some() || asked_at.since(used_at(given)?) <= self.retention;
            if answer_of(given)? == *first && (is_young || !is_repeated) {
                return Ok(());
            }
        }
        let given = self.given.get(&cell[..]);
        Err(Violation::new("keys", format!("{to:?} answers key {key} with {answer:?}, durable is {given:?}")))
    }
}

fn damaged() -> Violation {
    Violation::new("P4", "a client key's cell does not read")
}

/// The time at which a key was used, in the value of its cell.
fn used_at(value: &[u8]) -> Result<Timestamp, Violation> {
    let time = value.get(8..).and_then(<[u8]>::first_chunk).ok_or_else(damaged)?;
    Ok(Timestamp(u64::from_le_bytes(*time)))
}

/// The answer in the value of a key's cell.
fn answer_of(value: &[u8]) -> Result<Answer, Violation> {
    let (tag, rest) = value.get(16..).and_then(<[u8]>::split_first).ok_or_else(damaged)?;
    if *tag == 1 {
        return Ok(Answer::Refused(decode::<Refusal>(rest).map_err(|_| damaged())?));
    }
    if *tag == 3 {
        return Ok(Answer::Expired);
    }
    let (version, reply) = rest.split_first_chunk().ok_or_else(damaged)?;
    if *tag == 2 {
        return Ok(Answer::Pending { number: u64::from_le_bytes(*version) });
    }
    Ok(Answer::Done { reply: reply.to_vec(), version: u64::from_le_bytes(*version) })
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn to() -> Address {
        Address::new(KindId::of("register"), EntityKey::new("one").expect("a key"))
    }

    fn done(reply: u8) -> Answer {
        Answer::Done { reply: vec![reply], version: 3 }
    }

    fn value(used: u64, reply: u8) -> Bytes {
        let (fingerprint, version) = (7_u64.to_le_bytes(), 3_u64.to_le_bytes());
        [&fingerprint[..], &used.to_le_bytes(), &[0], &version, &[reply]].concat().into()
    }

    fn change(before: Option<Bytes>, after: Option<Bytes>) -> [Changed; 1] {
        let key = cell::key(Section::ClientKeys, &to(), b"key").into();
        [Changed { key, section: Section::ClientKeys, address: to(), before, after }]
    }

    #[test]
    fn an_answer_is_forgotten_or_replaced_when_it_is_too_old_and_not_before() {
        for after in [None, Some(value(9, 2))] {
            let mut keys = Keys::new(HOUR);
            let gone = change(Some(value(5, 1)), after);
            assert!(keys.durable(&gone, Timestamp(5).after(HOUR)).is_err());
            assert!(keys.durable(&gone, Timestamp(6).after(HOUR)).is_ok());
        }
    }

    #[test]
    fn an_answer_is_the_one_that_is_durable_and_a_repeated_one_is_not_too_old() {
        let mut keys = Keys::new(HOUR);
        let answered = |keys: &Keys, answer: &Answer, at| keys.answered(&to(), "key", answer, at).is_ok();
        let soon = Timestamp(6);
        assert!(!answered(&keys, &done(1), soon), "nothing is durable");
        keys.durable(&change(None, Some(value(5, 1))), soon).expect("it is the first one");
        assert!(answered(&keys, &done(1), soon) && !answered(&keys, &done(2), soon));
        let repeated = Answer::Repeated(Box::new(done(1)));
        assert!(answered(&keys, &repeated, Timestamp(5).after(HOUR)));
        assert!(!answered(&keys, &repeated, Timestamp(6).after(HOUR)));
    }
}

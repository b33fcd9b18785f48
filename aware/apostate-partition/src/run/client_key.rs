//! Client keys in a batch: a call that was answered before gets the same answer again.
//!
//! Scenarios: planted `key-forgotten`; `sim/apostate-sim/tests/scenarios/pages.rs`.

use apostate_core::{Address, Timestamp};

use crate::batch::UndoEntry;
use crate::entities::SlotId;
use crate::entities::client_keys::Known;
use crate::entities::key_age::{is_ahead, is_expired, is_outdated, made};
use crate::interface::{Answer, Failure, Request, RequestKind};
use crate::message;
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

impl Handling<'_> {
    /// The answer that the client key got, if it was used before and is not too old.
    pub(crate) fn remembered(&mut self, slot: SlotId, key: &str, request: &Request) -> Option<Answer> {
        let (now, retention) = (self.now, self.scope.tuning().client_key_retention);
        let known = self.entities.get(slot).keys()?.get(key)?;
        // A key that would be refused as too old gets its reply for as long as that is there.
        let is_old = is_outdated(key, known.time(), now, retention) && !planted::is(Bug::OldKeyAnswered);
        if is_old && !is_expired(key, now, retention) {
            self.forget_key(slot, key, &request.to);
            return None;
        }
        let remembered = known.remembered();
        self.batch.counts_mut().repeated += 1;
        if is_repetition(remembered.fingerprint, request) {
            Some(Answer::Repeated(Box::new(remembered.answer)))
        } else {
            Some(Answer::Failed(Failure::KeyReused))
        }
    }

    /// Why a UUIDv7 key that is not remembered cannot be used: it was perhaps forgotten, or would be kept for too long.
    ///
    /// Partition time and the host's wall clock are judges of its age, and one of the two may be wrong. What both find too old is
    /// refused. What partition time alone finds too old is refused if a key as new was ever forgotten; otherwise it was not
    /// done before, for what was done is remembered until it is forgotten.
    pub(crate) fn check_age(&self, key: &str) -> Option<Failure> {
        let (now, wall, retention) = (self.now, self.time.wall(), self.scope.tuning().client_key_retention);
        let made = made(key)?;
        // Also by the open batch, of which nothing is written down yet.
        let newest = self.sweep.forgotten().max(Some(self.batch.forgotten()));
        let is_forgotten = newest.is_some_and(|newest| made <= newest);
        if is_expired(key, now, retention) && (is_forgotten || is_expired(key, wall, retention)) {
            return Some(Failure::KeyExpired);
        }
        is_ahead(key, now.max(wall), retention).then_some(Failure::KeyAhead)
    }

    /// Forgets a client key that is too old.
    fn forget_key(&mut self, slot: SlotId, key: &str, to: &Address) {
        if let Some(known) = self.entities.remove_key(slot, key) {
            self.batch.forget_key(to, key);
            self.batch.note_forgotten(made(key).unwrap_or_default());
            // Memory alone has the keys that the batch has changed: the entity stays until it is closed.
            self.touch(slot);
            self.batch.note(UndoEntry::ForgotKey { slot, known });
        }
    }

    /// Remembers an answer in the same commit as the effect, and forgets some that are too old.
    ///
    /// `fingerprint` is the request as one number.
    pub(crate) fn remember(&mut self, slot: SlotId, key: &str, (to, fingerprint): (&Address, u64), answer: &Answer) {
        for old in self.entities.take_expired_keys(slot, self.now, self.scope.tuning().client_key_retention) {
            self.forget_key(slot, &old, to);
        }
        if let Some(known) = self.entities.get(slot).keys().and_then(|keys| keys.get(key)).cloned() {
            // It was pending.
            self.batch.note(UndoEntry::ForgotKey { slot, known });
        }
        let time = match answer {
            Answer::Pending { .. } if !planted::is(Bug::PendingSwept) => Timestamp(u64::MAX),
            _ => self.now,
        };
        let cell = self.batch.remember_key(to, key, fingerprint, time, answer);
        self.sweep.note_written(cell.length());
        let known = Known::new(cell, key);
        self.touch(slot);
        self.batch.note(UndoEntry::RememberedKey { slot, known: known.clone() });
        self.entities.insert_key(slot, known);
        // What is not, or not any more, gets no state: that would stay for ever, and its keys do not.
        if self.entities.get(slot).exists() && !self.entities.get(slot).has_keys() {
            self.entities.mark_keys(slot);
            self.batch.note_changed(self.place_of(slot), 0);
        }
    }
}

/// A request as one number: a repetition has the same.
pub(super) fn fingerprint(request: &Request) -> u64 {
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

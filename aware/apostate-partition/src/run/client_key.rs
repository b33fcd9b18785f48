//! Client keys in a batch: a call that was answered before gets the same answer again.
//!
//! Scenarios: planted `key-forgotten`; `sim/apostate-sim/tests/scenarios/pages.rs`.

use apostate_core::Address;

use crate::batch::UndoEntry;
use crate::cells::cell::Section;
use crate::entities::SlotId;
use crate::entities::client_keys::{
    Known, Remembered, fingerprint, is_ahead, is_expired, is_outdated, is_repetition, made,
};
use crate::interface::{Answer, Failure, Request};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

impl Handling<'_> {
    /// The answer that the client key got, if it was used before and is not too old.
    pub(crate) fn remembered(&mut self, slot: SlotId, key: &str, request: &Request) -> Option<Answer> {
        let (now, retention) = (self.now, self.scope.tuning().client_key_retention);
        let remembered = self.entities.get(slot).keys()?.get(key)?.remembered.clone();
        // A key that would be refused as too old gets its reply for as long as that is there.
        if is_outdated(key, remembered.time, now, retention) && !is_expired(key, now, retention) {
            self.forget_key(slot, key, &request.to);
            return None;
        }
        self.batch.counts_mut().repeated += 1;
        if is_repetition(remembered.fingerprint, request) {
            Some(Answer::Repeated(Box::new(remembered.answer.clone())))
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
        let is_forgotten = self.sweep.forgotten().is_some_and(|newest| made <= newest);
        if is_expired(key, now, retention) && (is_forgotten || is_expired(key, wall, retention)) {
            return Some(Failure::KeyExpired);
        }
        is_ahead(key, now.max(wall), retention).then_some(Failure::KeyAhead)
    }

    /// Forgets a client key that is too old.
    fn forget_key(&mut self, slot: SlotId, key: &str, to: &Address) {
        if let Some(known) = self.entities.remove_key(slot, key) {
            self.batch.erase(Section::ClientKeys, to, key.as_bytes());
            self.batch.note_forgotten(made(key).unwrap_or_default());
            self.batch.note(UndoEntry::ForgotKey { slot, key: key.into(), known });
        }
    }

    /// Remembers an answer in the same commit as the effect, and forgets some that are too old.
    pub(crate) fn remember(&mut self, slot: SlotId, key: &str, request: &Request, answer: &Answer) {
        let remembered = Remembered { fingerprint: fingerprint(request), time: self.now, answer: answer.clone() };
        for old in self.entities.expired_keys(slot, self.now, self.scope.tuning().client_key_retention) {
            self.forget_key(slot, &old, &request.to);
        }
        let mut value = Vec::new();
        remembered.write(&mut value);
        self.sweep.note_written(key.len() + value.len());
        if !planted::is(Bug::KeyForgotten) {
            self.batch.put(Section::ClientKeys, &request.to, key.as_bytes(), value);
        }
        self.batch.note(UndoEntry::RememberedKey { slot, key: key.into() });
        self.entities.insert_key(slot, key.into(), Known::new(remembered));
        if !self.entities.get(slot).has_keys() {
            self.touch(slot);
            self.entities.mark_keys(slot);
            self.batch.note_changed(self.place_of(slot), 0);
        }
    }
}

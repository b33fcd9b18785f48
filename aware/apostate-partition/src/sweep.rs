//! Client keys that are too old are forgotten, also those of entities that nobody asks for anything any more.
//!
//! The store is read through page by page, round after round, and what is found too old is deleted by records of its own,
//! between batches. Reading is paced: a page now and then, and two bytes for each byte of client keys that is written. So a
//! round ends before half as much was written as it has to read: at most about half of what is there is too old.
//!
//! What the store says may be older than what memory knows. All that changed since the last finished checkpoint is in memory,
//! for nothing of that is evicted; so a page counts only while the finished checkpoint is still the one
//! that it was read after, and only against what memory knows of each key.
//!
//! A UUIDv7 key says when it was made. The newest one that was ever forgotten is noted in a row of the partition's own: a newer one
//! was never forgotten, whatever the clocks said meanwhile.
//!
//! Invariant E1: no key is forgotten that is not too old, or its request could be applied twice.

use apostate_core::{Address, Timestamp};
use apostate_log::{Position, StoredCell};

use crate::cell::{self, OwnRow, Section};
use crate::client_keys::{self, Remembered};
use crate::commit::{RecordBuilder, RecordKind};
use crate::interface::{Damage, Effect, Failure, Load, Stored};
use crate::limits::{SWEEP_BYTES, SWEEP_PAUSE};
use crate::partition::Partition;
use crate::planted::{self, Bug};
use crate::slots::SlotId;

/// Most bytes that may be read without a pause.
const BUDGET_MAX: i64 = 64 << 20;

/// How far the client keys of the store were looked through.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// The last cell that was looked at in this round.
    after: Option<Box<[u8]>>,
    /// Bytes that may be read; below zero after a page that was more.
    budget: i64,
    /// When time last added to the budget.
    given_at: Timestamp,
    /// A page is asked for: the store held this generation then.
    asked: Option<u64>,
    found: Option<Found>,
    /// UUIDv7 client keys that are forgotten were made then at the latest. None: nothing is written about it yet.
    pub(crate) forgotten: Option<Timestamp>,
}

/// What a page had.
#[derive(Debug)]
struct Found {
    /// What the store held when it was asked.
    stored: u64,
    /// Keys that are too old.
    keys: Vec<(Address, Box<str>)>,
    /// Its last cell.
    last: Box<[u8]>,
}

impl Sweep {
    /// Client keys of so many bytes were written.
    pub(crate) fn note_written(&mut self, bytes: usize) {
        self.budget = (self.budget + 2 * bytes as i64).min(BUDGET_MAX);
    }
}

impl Partition {
    /// Goes on with the sweep, between two batches.
    pub(crate) fn sweep_keys(&mut self, effects: &mut Vec<Effect>) {
        if planted::is(Bug::ExpiredKept) {
            return;
        }
        let now = self.time.now();
        if now.since(self.sweep.given_at) >= SWEEP_PAUSE {
            self.sweep.given_at = now;
            self.sweep.note_written(SWEEP_BYTES / 2);
        }
        if self.sweep.found.is_some() && self.has_room() {
            self.forget_found(effects);
        }
        let is_due = self.sweep.budget > 0 && self.sweep.asked.is_none() && self.sweep.found.is_none();
        if is_due {
            self.sweep.asked = Some(self.dirty.stored());
            let after = self.sweep.after.clone();
            self.loads.push(Load::ClientKeys { range: self.range, after, bytes_max: SWEEP_BYTES });
        }
    }

    /// The store gives a page.
    ///
    /// # Errors
    ///
    /// When a cell does not read.
    pub(crate) fn swept(&mut self, cells: &[StoredCell]) -> Result<(), Damage> {
        let Some(stored) = self.sweep.asked.take() else { return Ok(()) };
        let Some((last, _)) = cells.last() else {
            // The round is over; the next one begins when there is something to spend again.
            self.sweep.after = None;
            self.sweep.budget = self.sweep.budget.min(0);
            return Ok(());
        };
        let mut keys = Vec::new();
        for (key, value) in cells {
            self.sweep.budget -= (key.len() + value.len()) as i64;
            let read = cell::read_key(key).zip(Remembered::read(value));
            let text = read.as_ref().and_then(|(cell, _)| std::str::from_utf8(cell.sub).ok());
            let (Some((cell, remembered)), Some(text)) = (&read, text) else {
                return Err(Damage::Unreadable(Stored::Cell(crate::load::hex(key))));
            };
            if self.is_outdated(text, remembered) {
                keys.push((cell.address.clone(), text.into()));
            }
        }
        self.sweep.found = Some(Found { stored, keys, last: last[..].into() });
        Ok(())
    }

    /// The batch under way forgets `key`.
    pub(crate) fn note_forgotten(&mut self, key: &str) {
        let made = client_keys::made(key).unwrap_or_default();
        self.batch.forgotten = self.batch.forgotten.max(made);
    }

    /// Writes into the record how new the keys are that it forgets, if none as new was forgotten before.
    pub(crate) fn write_forgotten(&mut self) {
        let made = std::mem::take(&mut self.batch.forgotten);
        if self.sweep.forgotten.is_none_or(|before| before < made) && made > Timestamp(0) {
            self.sweep.forgotten = Some(made);
            let row = cell::own_row(self.id, &OwnRow::ForgottenKeys);
            self.batch.record.put_key(&row, &made.0.to_le_bytes());
        }
    }

    /// Begins the account of forgotten keys in the opening record. What an older build forgot was too old by then.
    pub(crate) fn begin_forgotten(&mut self, record: &mut RecordBuilder) {
        if self.sweep.forgotten.is_none() {
            let is_first = self.log.submitted == Position(0);
            let retention = u64::try_from(self.tuning.client_key_retention.as_millis()).unwrap_or(u64::MAX);
            let made = if is_first { 0 } else { self.time.now().0.saturating_sub(retention) };
            self.sweep.forgotten = Some(Timestamp(made));
            record.put_key(&cell::own_row(self.id, &OwnRow::ForgottenKeys), &made.to_le_bytes());
        }
    }

    /// Why a UUIDv7 key that is not remembered cannot be used: it was perhaps forgotten, or would be kept for too long.
    ///
    /// Partition time and the host's wall clock are judges of its age, and one of the two may be wrong. What both find too old is
    /// refused. What partition time alone finds too old is refused if a key as new was ever forgotten; otherwise it was not
    /// done before, for what was done is remembered until it is forgotten.
    pub(crate) fn unfit_for_use(&self, key: &str) -> Option<Failure> {
        let (now, wall, retention) = (self.time.now(), self.time.wall(), self.tuning.client_key_retention);
        let made = client_keys::made(key)?;
        let is_forgotten = self.sweep.forgotten.is_some_and(|newest| made <= newest);
        if client_keys::is_expired(key, now, retention)
            && (is_forgotten || client_keys::is_expired(key, wall, retention))
        {
            return Some(Failure::KeyExpired);
        }
        client_keys::is_ahead(key, now.max(wall), retention).then_some(Failure::KeyAhead)
    }

    /// Whether what `key` remembers is to be forgotten.
    fn is_outdated(&self, key: &str, remembered: &Remembered) -> bool {
        let (now, retention) = (self.time.now(), self.tuning.client_key_retention);
        planted::is(Bug::SweepsLive) || client_keys::is_outdated(key, remembered.time, now, retention)
    }

    /// Commits that what was found is forgotten. The window has room, and no batch is open.
    fn forget_found(&mut self, effects: &mut Vec<Effect>) {
        assert!(self.batch.is_empty(), "E1 broken: client keys are swept in the middle of a batch");
        let Some(Found { stored, keys, last }) = self.sweep.found.take() else { return };
        if stored != self.dirty.stored() {
            // Somebody may have used one of them anew since, and be out of memory by now: the page is read again.
            return;
        }
        for (address, key) in keys {
            let is_gone = self.slots.find(&address).is_none_or(|slot| self.forget_in_memory(slot, &key));
            if is_gone {
                self.note_forgotten(&key);
                let cell = cell::key(Section::ClientKeys, &address, key.as_bytes());
                self.batch.record.delete_key(&cell);
                self.dirty.erase_cell(cell.into());
            }
        }
        self.sweep.after = Some(last);
        self.write_forgotten();
        if !self.batch.record.is_empty() {
            let mut batch = std::mem::take(&mut self.batch);
            self.append(&mut batch, RecordKind::Batch, effects);
            self.batch = batch;
        }
    }

    /// Forgets a key that the store has too old. False: memory knows better, because it was used anew or is forgotten.
    fn forget_in_memory(&mut self, id: SlotId, key: &str) -> bool {
        let generation = self.dirty.generation();
        let slot = self.slots.get(id);
        let Some(keys) = slot.extra.as_ref().map(|extra| &extra.keys) else { return true };
        match keys.known.get(key) {
            None if keys.absent.contains(key) => return false,
            None => return true,
            Some(known) if !self.is_outdated(key, &known.remembered) => return false,
            Some(_) => {}
        }
        let slot = self.slots.get_mut(id);
        slot.kept = generation;
        let keys = &mut slot.extra().keys;
        keys.known.remove(key);
        keys.note_absent(key.into());
        let bytes = keys.recount();
        self.slots.set_key_bytes(id, bytes);
        true
    }
}

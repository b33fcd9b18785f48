//! Sweep: client keys that are too old are forgotten, also those of entities that are asked for nothing any more.
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

mod split;

use std::time::Duration;

use apostate_core::{Address, Timestamp};
use apostate_log::{StoredCell, hex};

use crate::cells::cell;
use crate::cells::remembered::Remembered;
use crate::entities::key_age;
use crate::format::DecodeError;
use crate::interface::{Load, StopReason, Stored};
use crate::limits::{SWEEP_BYTES, SWEEP_PAUSE};
use crate::planted::{self, Bug};
use crate::range::Range;

/// Most bytes that may be read without a pause.
const BUDGET_MAX: i64 = 64 << 20;

/// How far the client keys of the store were looked through.
#[derive(Debug, Default)]
pub(crate) struct KeySweep {
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
    forgotten: Option<Timestamp>,
}

/// A page of the store, and the keys in it that are too old.
#[derive(Debug)]
pub(crate) struct Found {
    /// The generation that the store held when it was asked.
    pub(crate) stored: u64,
    /// Keys that are too old.
    pub(crate) keys: Vec<(Address, Box<str>)>,
    /// The last cell of the page.
    pub(crate) last: Box<[u8]>,
}

impl KeySweep {
    /// When the newest UUIDv7 client key was made that is forgotten, as far as that is written down.
    pub(crate) fn forgotten(&self) -> Option<Timestamp> {
        self.forgotten
    }

    /// Takes over what is written down.
    pub(crate) fn restore_forgotten(&mut self, made: Timestamp) {
        self.forgotten = Some(made);
    }

    /// Client keys are forgotten of which the newest was made then. Gives whether that is to be written down: none as new was
    /// forgotten before.
    pub(crate) fn note_forgotten(&mut self, made: Timestamp) -> bool {
        let is_newer = self.forgotten.is_none_or(|before| before < made) && made > Timestamp(0);
        if is_newer {
            self.forgotten = Some(made);
        }
        is_newer
    }

    /// Client keys of so many bytes were written.
    pub(crate) fn note_written(&mut self, bytes: usize) {
        self.budget = (self.budget + 2 * bytes as i64).min(BUDGET_MAX);
    }

    /// Time adds to the budget.
    pub(crate) fn pace(&mut self, now: Timestamp) {
        if now.since(self.given_at) >= SWEEP_PAUSE {
            self.given_at = now;
            self.note_written(SWEEP_BYTES / 2);
        }
    }

    /// Whether a page waits for its record.
    pub(crate) fn has_found(&self) -> bool {
        self.found.is_some()
    }

    pub(crate) fn take_found(&mut self) -> Option<Found> {
        self.found.take()
    }

    /// The page was committed, or had nothing: the next one begins behind it.
    pub(crate) fn go_on_behind(&mut self, last: Box<[u8]>) {
        self.after = Some(last);
    }

    /// The next page to ask for, of a store that holds generation `stored`, if it is time.
    pub(crate) fn next_page(&mut self, range: Range, stored: u64) -> Option<Load> {
        if self.budget <= 0 || self.asked.is_some() || self.found.is_some() {
            return None;
        }
        self.asked = Some(stored);
        Some(Load::ClientKeys { range, after: self.after.clone(), bytes_max: SWEEP_BYTES })
    }

    /// Takes a page of the store.
    ///
    /// # Errors
    ///
    /// When a cell does not read.
    pub(crate) fn take_page(
        &mut self,
        cells: &[StoredCell],
        now: Timestamp,
        retention: Duration,
    ) -> Result<(), StopReason> {
        let Some(stored) = self.asked.take() else { return Ok(()) };
        let Some((last, _)) = cells.last() else {
            // The round is over; the next one begins when there is something to spend again.
            self.after = None;
            self.budget = self.budget.min(0);
            return Ok(());
        };
        let mut keys = Vec::new();
        for (key, value) in cells {
            self.budget -= (key.len() + value.len()) as i64;
            let unread = |error| Stored::Cell(hex(key)).unread(error);
            let cell = cell::read_key(key).map_err(unread)?;
            let remembered = Remembered::read(value).map_err(unread)?;
            let text = std::str::from_utf8(cell.sub).map_err(|_| unread(DecodeError::Damaged))?;
            if is_outdated(text, remembered.time, now, retention) {
                keys.push((cell.address.clone(), text.into()));
            }
        }
        self.found = Some(Found { stored, keys, last: last[..].into() });
        Ok(())
    }
}

impl KeySweep {
    /// Whether it is at one page at a time.
    pub(crate) fn check(&self) {
        assert!(self.asked.is_none() || self.found.is_none(), "E1 broken: two pages of client keys at once");
    }
}

/// Whether what `key` remembers since `time` is to be forgotten.
pub(super) fn is_outdated(key: &str, time: Timestamp, now: Timestamp, retention: Duration) -> bool {
    planted::is(Bug::SweepsLive) || key_age::is_outdated(key, time, now, retention)
}

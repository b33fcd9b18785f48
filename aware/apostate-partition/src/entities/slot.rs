//! One entity in memory: its live value, its encoded bytes, and (boxed, because most have none) what waits for it.
//!
//! ```text
//!            start_loading      set_cell                    keep_change                encode
//!   Unknown ──────────────▶ Loading ──────▶ Resident, clean ───────────▶ Resident, ahead ─────▶ Resident, clean
//!                                            bytes; live or not             live value newer than bytes
//! ```
//!
//! `slot/check.rs` names the legal combinations.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

mod activities;
pub(super) mod check;
mod extra;
mod split;

use apostate_core::{Address, Live, Timestamp};

use crate::cells::state::{StateBytes, WORD_BYTES, read_word, word};
use crate::entities::activities::SlotActivities;
use crate::entities::client_keys::ClientKeys;
use crate::entities::inbox::{InboxItem, Retry};
use crate::entities::slot::extra::Extra;
use crate::planted::{self, Bug};

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// Bytes that a slot costs besides the state.
pub(crate) const SLOT_BYTES: usize = 256;

/// Knowledge of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residence {
    /// The store has to be asked.
    Unknown,
    /// The store was asked, at this time.
    Loading(Timestamp),
    /// In memory.
    Resident,
}

/// One entity in memory, as two lines of a processor's cache: what every message meets first, and what its run needs.
#[repr(C, align(64))]
pub(crate) struct Slot {
    address: Address,
    stage: Stage,
    /// Number of the kind in the registry; `NONE` for a kind that this build does not know.
    kind: u32,
    /// Index in the batch's list of touched slots.
    touched: u32,
    /// Whether the entity ever remembered a client key.
    has_keys: bool,
    /// Whether the entity exists.
    exists: bool,
    /// Whether the live value has changes that are not encoded.
    is_ahead: bool,
    /// Used since the eviction hand last passed.
    is_used: bool,
    /// Whether the slot belongs to no entity.
    is_free: bool,

    /// The live value; decoded when it is needed.
    live: Option<Box<dyn Live>>,
    /// The state cell as last encoded; none of an entity that does not exist.
    encoded: Option<StateBytes>,
    /// Of an entity that does not exist, the one that it had, as far as memory knows.
    version: u64,
    dirty_generation: u64,
    /// Index in the dirty list of the generation `dirty_generation`.
    dirty: u32,
    /// Number of further runs around which the state is encoded, so that each can be rolled back alone.
    encode_each_run_for: u32,
    extra: Option<Box<Extra>>,
}

const _: () = assert!(size_of::<Slot>() == 128, "a slot takes two cache lines");

/// A [`Residence`] in eight bytes: the time since which it is loaded, or one of two times that never come.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stage(u64);

impl Stage {
    const UNKNOWN: Self = Self(u64::MAX);
    const RESIDENT: Self = Self(u64::MAX - 1);

    fn loading(since: Timestamp) -> Self {
        Self(since.0.min(Self::RESIDENT.0 - 1))
    }
}

impl Slot {
    pub(super) fn new(address: Address, kind: u32) -> Self {
        Self {
            address,
            stage: Stage::UNKNOWN,
            kind,
            touched: NONE,
            has_keys: false,
            exists: false,
            is_ahead: false,
            is_used: true,
            is_free: false,
            live: None,
            encoded: None,
            version: 0,
            dirty_generation: 0,
            dirty: NONE,
            encode_each_run_for: 0,
            extra: None,
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Number of the kind in the registry; none for a kind that this build does not know.
    pub(crate) fn kind(&self) -> Option<usize> {
        (self.kind != NONE).then_some(self.kind as usize)
    }

    pub(crate) fn residence(&self) -> Residence {
        match self.stage {
            Stage::UNKNOWN => Residence::Unknown,
            Stage::RESIDENT => Residence::Resident,
            Stage(since) => Residence::Loading(Timestamp(since)),
        }
    }

    /// Whether it belongs to no entity.
    pub(super) fn is_free(&self) -> bool {
        self.is_free
    }

    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.has_keys
    }

    /// Whether the live value has changes that are not encoded.
    pub(crate) fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// Whether the state is encoded around each run, so that each can be rolled back alone.
    pub(crate) fn is_encoded_each_run(&self) -> bool {
        self.encode_each_run_for > 0
    }

    /// The state cell as last encoded.
    pub(crate) fn encoded(&self) -> Option<&StateBytes> {
        self.encoded.as_ref()
    }

    /// The state without its version; none if the entity does not exist.
    pub(crate) fn state_bytes(&self) -> Option<&[u8]> {
        self.encoded.as_deref().filter(|bytes| bytes.len() > WORD_BYTES).map(|bytes| &bytes[WORD_BYTES..])
    }

    /// The index in the batch's list of touched slots, if the open batch touched it.
    pub(crate) fn touched(&self) -> Option<usize> {
        (self.touched != NONE).then_some(self.touched as usize)
    }

    /// Whether anything accepted waits for the entity.
    pub(crate) fn has_inbox(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| !extra.inbox.is_empty())
    }

    /// The head of the inbox.
    pub(crate) fn inbox_head(&self) -> Option<&InboxItem> {
        self.extra.as_ref().and_then(|extra| extra.inbox.front())
    }

    /// How the head of the inbox has fared, if it panicked.
    pub(crate) fn retry(&self) -> Option<Retry> {
        self.extra.as_ref().and_then(|extra| extra.retry)
    }

    /// The client keys in memory, if anything at all waits for the entity or is remembered by it.
    pub(crate) fn keys(&self) -> Option<&ClientKeys> {
        self.extra.as_ref().map(|extra| &extra.keys)
    }

    pub(crate) fn keys_mut(&mut self) -> &mut ClientKeys {
        &mut self.extra_mut().keys
    }

    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn extra_if_any(&mut self) -> Option<&mut Extra> {
        self.extra.as_deref_mut()
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Gives up the room for what waits and for client keys, if there is nothing in it: most entities need none.
    pub(super) fn drop_empty_extra(&mut self) {
        if self.extra.as_ref().is_some_and(|extra| extra.is_empty()) {
            self.extra = None;
        }
    }

    /// Notes that the store is asked for it. False: that was done before.
    pub(super) fn start_loading(&mut self, now: Timestamp) -> bool {
        let is_new = self.stage == Stage::UNKNOWN;
        if is_new {
            self.stage = Stage::loading(now);
        }
        is_new
    }

    /// The live value for a run, if it was decoded.
    pub(crate) fn live_mut(&mut self) -> Option<&mut (dyn Live + 'static)> {
        self.is_used = true;
        self.live.as_deref_mut()
    }

    /// Notes that it was used: the eviction hand passes it over once.
    pub(crate) fn note_used(&mut self) {
        self.is_used = true;
    }

    pub(crate) fn has_live(&self) -> bool {
        self.live.is_some()
    }

    /// Takes over a decoded value.
    pub(crate) fn set_live(&mut self, live: Box<dyn Live>) {
        self.live = Some(live);
    }

    /// Drops the live value: it holds what is not to be kept. What the bytes say is decoded when it is next needed.
    pub(crate) fn drop_live(&mut self) {
        self.live = None;
    }

    /// Notes the place in the batch's list, if it has none.
    pub(super) fn touch(&mut self, index: usize) -> bool {
        let is_new = self.touched == NONE;
        if is_new {
            self.touched = index as u32;
        }
        is_new
    }

    pub(crate) fn untouch(&mut self) {
        self.touched = NONE;
    }

    /// The version that the next change gives. An entity that begins anew has one above `deleted`.
    pub(crate) fn next_version(&self, deleted: u64) -> u64 {
        1 + if self.exists { self.version } else { self.version.max(deleted) }
    }

    /// Keeps what a handler changed: a version more, in the live value only. Gives the version, as [`next_version`](Self::next_version).
    pub(crate) fn keep_change(&mut self, exists: bool, deleted: u64) -> u64 {
        self.version = self.next_version(deleted);
        self.is_ahead = true;
        self.exists = exists;
        if !exists {
            self.live = None;
        }
        self.version
    }

    /// Takes the last change back: the bytes are those from before it.
    pub(super) fn take_back_change(&mut self, version: u64, existed: bool) {
        self.live = None;
        self.is_ahead = false;
        self.version = version;
        self.exists = existed;
    }

    /// Goes back to how the batch found it. The bytes were put back before.
    pub(super) fn undo(&mut self, version: u64, has_keys: bool, exists: bool) {
        self.touched = NONE;
        self.live = None;
        self.is_ahead = false;
        self.version = version;
        self.has_keys = has_keys;
        self.exists = exists;
    }

    /// Has the state encoded around each of the next `runs` runs.
    pub(crate) fn encode_each_run_for(&mut self, runs: u32) {
        self.encode_each_run_for = runs;
    }

    /// One run less around which the state is encoded.
    pub(crate) fn count_encoded_run(&mut self) {
        self.encode_each_run_for = self.encode_each_run_for.saturating_sub(1);
    }

    pub(super) fn note_keys(&mut self, has_keys: bool) {
        self.has_keys = has_keys;
    }

    /// The word of the state cell as it is to be encoded.
    pub(super) fn word(&self) -> u64 {
        word(self.version, self.has_keys)
    }

    pub(super) fn live(&self) -> Option<&(dyn Live + 'static)> {
        self.live.as_deref()
    }

    /// The live value was encoded.
    pub(super) fn note_encoded(&mut self) {
        self.is_ahead = false;
    }

    pub(super) fn set_encoded(&mut self, encoded: Option<StateBytes>) {
        self.encoded = encoded;
    }

    /// Bytes that the client keys in memory cost.
    pub(super) fn key_bytes(&self) -> usize {
        self.keys().map_or(0, ClientKeys::bytes)
    }

    /// Takes over a state cell.
    pub(super) fn set_cell(&mut self, cell: Option<StateBytes>) {
        let word = cell.as_deref().and_then(|cell| cell.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word));
        (self.version, self.has_keys) = read_word(word);
        self.exists = cell.as_deref().is_some_and(|cell| cell.len() > WORD_BYTES);
        // An entity that does not exist is the first to leave, if no message makes it.
        self.is_used &= self.exists;
        self.encoded = cell;
        self.live = None;
        self.is_ahead = false;
        self.stage = Stage::RESIDENT;
    }

    /// The index in the dirty list of `generation`, if it stands there.
    pub(crate) fn dirty_in(&self, generation: u64) -> Option<usize> {
        (self.dirty_generation == generation).then_some(self.dirty as usize)
    }

    pub(crate) fn note_dirty(&mut self, generation: u64, index: usize) {
        (self.dirty_generation, self.dirty) = (generation, index as u32);
    }

    /// Notes that a cell of it changed besides the state.
    pub(crate) fn note_extra_dirty(&mut self, generation: u64) {
        self.extra_mut().dirty_generation = generation;
    }

    /// Whether it was used since this was last asked.
    pub(super) fn take_used(&mut self) -> bool {
        if planted::is(Bug::UsedKept) { self.is_used } else { std::mem::take(&mut self.is_used) }
    }

    /// Whether it may leave memory: nothing waits for it, and the store, which holds generation `stored`, has all of it.
    pub(super) fn is_evictable(&self, stored: u64) -> bool {
        let is_idle = self.extra.as_ref().is_none_or(|extra| extra.is_idle());
        let extra_dirty_generation = self.extra.as_ref().map_or(0, |extra| extra.dirty_generation);
        let is_stored = self.dirty_generation.max(extra_dirty_generation) <= stored || planted::is(Bug::EvictsDirty);
        let is_clean = is_stored && self.touched == NONE;
        let is_loading = matches!(self.residence(), Residence::Loading(_));
        !self.is_free && is_idle && is_clean && !is_loading
    }

    /// Frees the slot: it belongs to no entity from here on.
    pub(super) fn clear(&mut self) {
        self.live = None;
        self.encoded = None;
        self.extra = None;
        self.stage = Stage::UNKNOWN;
        self.is_free = true;
    }

    pub(super) fn bytes(&self) -> usize {
        SLOT_BYTES + self.key_bytes() + self.activity_bytes() + self.state_memory()
    }

    /// Memory that the state takes: as bytes, and about as much as a live value.
    pub(super) fn state_memory(&self) -> usize {
        2 * self.encoded.as_ref().map_or(0, |encoded| encoded.len())
    }
}

//! Changes of entities by a batch, and how they are taken back.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `panic-half-undone`, `refusal-kept`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use apostate_core::{StateError, Timestamp, panic_text};
use apostate_log::Position;

use crate::cells::state::{StateBytes, WORD_BYTES};
use crate::entities::client_keys::Known;
use crate::entities::key_sweep::is_outdated;
use crate::entities::resident::Entities;
use crate::entities::slots::SlotId;

/// An entity as it was when a batch first touched it.
#[derive(Debug)]
pub(crate) struct Before {
    encoded: Option<StateBytes>,
    version: u64,
    has_keys: bool,
    exists: bool,
}

impl Before {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The state cell; none of an entity that does not exist.
    pub(crate) fn encoded(&self) -> Option<&StateBytes> {
        self.encoded.as_ref()
    }

    /// Bytes of the state cell.
    pub(crate) fn length(&self) -> usize {
        self.encoded.as_ref().map_or(0, |encoded| encoded.len())
    }
}

/// States.
impl Entities {
    /// Notes that the open batch touches the entity, which gets place `index` in its list. None: it has one.
    pub(crate) fn touch(&mut self, id: SlotId, index: usize) -> Option<Before> {
        let slot = self.slots.get_mut(id);
        slot.touch(index).then(|| Before {
            encoded: slot.encoded().cloned(),
            version: slot.version(),
            has_keys: slot.has_keys(),
            exists: slot.exists(),
        })
    }

    /// Makes sure that the live value is there. Fails in the words of the author's code.
    pub(crate) fn awaken(&mut self, id: SlotId, kind: usize) -> Result<(), String> {
        let slot = self.slots.get_mut(id);
        if !slot.has_live() {
            let kind = &self.registry.kinds()[kind];
            let live = match slot.state_bytes() {
                None => Ok(kind.new_entity()),
                // A hook of the author's may run in here.
                Some(state) => catch_unwind(AssertUnwindSafe(|| kind.decode(state)))
                    .unwrap_or_else(|payload| Err(StateError(panic_text(payload.as_ref())))),
            };
            slot.set_live(live.map_err(|error| error.0)?);
        }
        Ok(())
    }

    /// Encodes the live value, with `scratch` for its room. Gives its length, or fails in the words of the author's code.
    pub(crate) fn encode(&mut self, id: SlotId, scratch: &mut Vec<u8>) -> Result<usize, String> {
        let slot = self.slots.get(id);
        scratch.clear();
        scratch.extend_from_slice(&slot.word().to_le_bytes());
        if let Some(live) = slot.live() {
            catch_unwind(AssertUnwindSafe(|| live.encode(scratch))).map_err(|payload| panic_text(payload.as_ref()))?;
        }
        assert!(scratch.len() > WORD_BYTES, "P4 broken: a state of no bytes");
        self.slots.set_encoded(id, Some(scratch.as_slice().into()));
        self.slots.get_mut(id).note_encoded();
        Ok(scratch.len())
    }

    /// The entity is deleted: nothing is left to encode.
    pub(crate) fn drop_state(&mut self, id: SlotId) {
        self.slots.set_encoded(id, None);
        self.slots.get_mut(id).note_encoded();
    }

    /// Takes the last change back, of a value that was encoded as `encoded` before it.
    pub(crate) fn take_back_change(
        &mut self,
        id: SlotId,
        encoded: Option<StateBytes>,
        (version, existed): (u64, bool),
    ) {
        self.slots.set_encoded(id, encoded);
        self.slots.get_mut(id).take_back_change(version, existed);
    }

    /// The highest version that any deleted entity had: one that begins anew has a higher one.
    pub(crate) fn deleted_version(&self) -> u64 {
        self.deleted_version
    }

    /// An entity was deleted that had this version. Gives whether none had one as high.
    pub(crate) fn note_deleted(&mut self, version: u64) -> bool {
        let is_highest = version > self.deleted_version;
        self.deleted_version = self.deleted_version.max(version);
        is_highest
    }

    /// Takes back all that a batch changed.
    pub(crate) fn undo(&mut self, id: SlotId, before: Before) {
        let Before { encoded, version, has_keys, exists } = before;
        self.slots.set_encoded(id, encoded);
        let slot = self.slots.get_mut(id);
        slot.undo(version, has_keys, exists);
        if slot.activities().is_some() {
            slot.activities_mut().drop_pending();
        }
    }

    /// Notes in the state cell that the entity has client keys.
    pub(crate) fn mark_keys(&mut self, id: SlotId) {
        let slot = self.slots.get_mut(id);
        slot.note_keys(true);
        if !slot.is_ahead() {
            // Not changed by a handler: its bytes are all there is, under a new word.
            let encoded = [&slot.word().to_le_bytes(), slot.state_bytes().unwrap_or(&[])].concat();
            self.slots.set_encoded(id, Some(encoded.into()));
        }
    }

    /// The batch that changed a client key is closed as `record`, and part of `generation`; the store holds `stored`.
    pub(crate) fn note_key_closed(
        &mut self,
        id: SlotId,
        changed: &Known,
        record: Position,
        (generation, stored): (u64, u64),
    ) {
        self.slots.get_mut(id).note_extra_dirty(generation);
        self.slots.change_keys(id, |keys| keys.note_closed(changed, record, (generation, stored)));
    }

    /// Forgets a client key that the store has too old, by a record of its own in `generation`. False: memory knows better,
    /// because the key was used anew or is forgotten.
    pub(crate) fn forget_swept_key(
        &mut self,
        id: SlotId,
        key: &str,
        generation: u64,
        (now, retention): (Timestamp, Duration),
    ) -> bool {
        let slot = self.slots.get_mut(id);
        let Some(keys) = slot.keys() else { return true };
        match keys.get(key) {
            None => return !keys.is_absent(key),
            Some(known) if !is_outdated(key, known.time(), now, retention) => return false,
            Some(_) => {}
        }
        slot.note_extra_dirty(generation);
        self.remove_key(id, key);
        true
    }
}

/// Client keys.
impl Entities {
    /// Remembers an answer.
    pub(crate) fn insert_key(&mut self, id: SlotId, known: Known) {
        self.slots.change_keys(id, |keys| keys.insert(known));
    }

    /// Takes an answer out. It is not looked for in the store either.
    pub(crate) fn remove_key(&mut self, id: SlotId, key: &str) -> Option<Known> {
        let known = self.slots.change_keys(id, |keys| keys.remove(key))?;
        self.slots.get_mut(id).keys_mut().note_absent(key.into());
        Some(known)
    }

    /// Takes back that an answer was remembered.
    pub(crate) fn undo_key(&mut self, id: SlotId, key: &str) {
        self.slots.change_keys(id, |keys| keys.remove(key));
    }

    /// Client keys that are too old to be remembered any longer: a few of those in memory.
    pub(crate) fn take_expired_keys(&mut self, id: SlotId, now: Timestamp, retention: Duration) -> Vec<Box<str>> {
        self.slots.get_mut(id).keys_mut().take_expired(now, retention)
    }
}

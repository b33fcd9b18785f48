//! Reads from the store: what is asked for, and what comes of it.
//!
//! Invariant P6: what comes back is whole, or the partition stops and says so.

use std::time::Duration;

use apostate_core::{Address, Timestamp};
use apostate_log::StoredCell;

use crate::cells::cell::{self, EntityCell, Section};
use crate::cells::parked::Parked;
use crate::cells::remembered::Remembered;
use crate::cells::shared::SharedCell;
use crate::cells::state;
use crate::entities::inboxes::{Head, PageDamage};
use crate::entities::resident::Entities;
use crate::entities::slots::SlotId;
use crate::format::DecodeError;
use crate::interface::{Damage, Load, ParkedCommand, StopReason, Stored};
use crate::planted::{self, Bug};

impl Entities {
    /// Has something read from the store, at the end of this step.
    pub(crate) fn ask(&mut self, load: Load) {
        self.loads.push(load);
    }

    /// Loads that the store is to be asked for.
    pub(crate) fn take_loads(&mut self) -> impl Iterator<Item = Load> {
        self.loads.drain(..)
    }

    /// Has the entity read from the store, if that is not under way.
    pub(crate) fn start_load(&mut self, id: SlotId, now: Timestamp) {
        let slot = self.slots.get_mut(id);
        if slot.start_loading(now) {
            self.loads.push(Load::Entity(slot.address().clone()));
        }
    }

    /// Whether a message for the entity can be handled now. Starts a load if one is needed.
    pub(crate) fn is_free(&mut self, id: SlotId, now: Timestamp) -> bool {
        let slot = self.slots.get(id);
        if slot.is_resident() {
            return slot.kind().is_some() && (!slot.has_inbox() || planted::is(Bug::InboxSkipped));
        }
        self.start_load(id, now);
        false
    }

    /// Whether the entity is being loaded, and soon enough that its source may wait for it.
    pub(crate) fn is_worth_waiting(&mut self, id: SlotId, now: Timestamp, patience: Duration) -> bool {
        self.start_load(id, now);
        let slot = self.slots.get(id);
        slot.loading_since()
            .is_some_and(|since| slot.kind().is_some() && !slot.has_inbox() && now.since(since) < patience)
    }

    /// Asks the store for a client key that is not in memory, and may be there. True: its request has to wait.
    pub(crate) fn ask_for_key(&mut self, id: SlotId, key: &str) -> bool {
        let slot = self.slots.get_mut(id);
        // A load of the entity is under way first: it brings most keys, or says that there are none to bring.
        if !slot.is_resident() || planted::is(Bug::KeysUnasked) || slot.keys().is_some_and(|keys| !keys.must_ask(key)) {
            return false;
        }
        if slot.keys_mut().start_asking(key) {
            self.loads.push(Load::ClientKey(slot.address().clone(), key.into()));
        }
        true
    }

    /// Takes over an entity that a load brought; what memory holds of its client keys is newer.
    pub(crate) fn place(&mut self, id: SlotId, cells: &[StoredCell], is_partial: bool) -> Result<(), StopReason> {
        let had_keys = self.slots.get(id).has_keys();
        self.slots.set_cell(id, None);
        for (key, value) in cells {
            let EntityCell { section, sub, .. } = cell::read_key(key).map_err(|error| self.unread(id, error))?;
            match section {
                Section::State => {
                    state::word_of(value).map_err(|error| self.unread(id, error))?;
                    self.slots.set_cell(id, Some(value[..].into()));
                }
                Section::ClientKeys => {
                    let name = std::str::from_utf8(sub).map_err(|_| self.unread(id, DecodeError::Damaged))?;
                    Remembered::read(value).map_err(|error| self.unread(id, error))?;
                    let cell = SharedCell::of(key, Some(value));
                    self.slots.change_keys(id, |keys| keys.insert_stored(name, cell));
                }
                _ => return Err(self.unread(id, DecodeError::Damaged)),
            }
        }
        let slot = self.slots.get_mut(id);
        let has_keys = slot.has_keys();
        slot.note_keys(has_keys || had_keys);
        if has_keys {
            slot.keys_mut().note_partial(is_partial);
        }
        Ok(())
    }

    /// Takes over what the store has of one client key; what memory knows of it is newer. `has_any`: the store has keys of the entity.
    pub(crate) fn place_key(
        &mut self,
        id: SlotId,
        key: &str,
        cells: &[StoredCell],
        has_any: bool,
    ) -> Result<(), StopReason> {
        let keys = self.slots.get_mut(id).keys_mut();
        keys.end_asking(key);
        keys.note_looked_up(has_any);
        match cells {
            [] => keys.note_absent(key.into()),
            [(name, value), ..] => {
                Remembered::read(value).map_err(|error| self.unread(id, error))?;
                let cell = SharedCell::of(name, Some(value));
                self.slots.change_keys(id, |keys| keys.insert_stored(key, cell));
            }
        }
        Ok(())
    }

    pub(super) fn unread(&self, id: SlotId, error: DecodeError) -> StopReason {
        Stored::CellOf(self.name_of(self.slots.get(id).address())).unread(error)
    }

    /// Has the head of an inbox read back, with those behind it whose bodies were evicted too. False: it is in memory.
    pub(crate) fn read_head(&mut self, id: SlotId) -> bool {
        match self.inboxes.find_head(&mut self.slots, id) {
            Head::Resident => return false,
            Head::Awaited => {}
            Head::Evicted(load) => self.loads.push(load),
        }
        true
    }

    /// Takes over messages of an inbox that were read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    pub(crate) fn take_inbox_page(
        &mut self,
        id: SlotId,
        asked: &[Box<[u8]>],
        cells: &[StoredCell],
    ) -> Result<(), StopReason> {
        self.inboxes.take_page(&mut self.slots, id, asked, cells).map_err(|damage| {
            let what = Stored::Inbox(self.name_of(self.slots.get(id).address()));
            match damage {
                PageDamage::Missing => Damage::Missing(what).into(),
                PageDamage::Unread(error) => what.unread(error),
            }
        })
    }

    /// Takes over a parked message that was read back. Gives the commands on it; if they were turned away meanwhile, it is left
    /// to the store.
    ///
    /// # Errors
    ///
    /// When it is missing, or does not read.
    pub(crate) fn take_parked(
        &mut self,
        to: &Address,
        number: u64,
        cells: &[StoredCell],
    ) -> Result<Vec<ParkedCommand>, StopReason> {
        let what = || Stored::Parked { number, entity: self.name_of(to) };
        let (_, value) = cells.first().ok_or_else(|| Damage::Missing(what()))?;
        let parked = Parked::read(value).map_err(|error| what().unread(error))?;
        Ok(self.parked.take_read(to, number, parked))
    }
}

//! Cells that are read back when the partition opens.

use apostate_core::Address;

use crate::cells::parked::Parked;
use crate::cells::remembered::Remembered;
use crate::cells::shared::SharedCell;
use crate::cells::state::StateBytes;
use crate::entities::resident::Entities;
use crate::entities::slot::Slot;
use crate::format::DecodeError::{self, Damaged};
use crate::planted::{self, Bug};

impl Entities {
    /// Takes over a state cell of the log, or its deletion. Gives its slot, for the dirty list.
    pub(crate) fn restore_state(&mut self, address: &Address, cell: Option<StateBytes>) -> &mut Slot {
        let id = self.slot_of(address);
        self.slots.set_cell(id, cell);
        let slot = self.slots.get_mut(id);
        if slot.has_keys() && !planted::is(Bug::KeysOfLogOnly) {
            // The store may have client keys of it that the log does not bring.
            slot.keys_mut().note_partial(true);
        }
        if planted::is(Bug::KeysOfLogOnly) {
            slot.keys_mut().note_partial(false);
        }
        slot
    }

    /// Takes over a client key of the log, or its deletion.
    pub(crate) fn restore_client_key(
        &mut self,
        address: &Address,
        sub: &[u8],
        cell: &SharedCell,
        generation: u64,
    ) -> Result<(), DecodeError> {
        let id = self.slot_of(address);
        let key = std::str::from_utf8(sub).map_err(|_| Damaged)?;
        if let Some(value) = cell.value() {
            Remembered::read(value)?;
        }
        let slot = self.slots.get_mut(id);
        // What the log brings, the store may not have: the slot stays until the first checkpoint.
        slot.note_extra_dirty(generation);
        slot.note_keys(true);
        self.slots.change_keys(id, |keys| keys.restore(key, cell.value().is_some().then(|| cell.clone())));
        Ok(())
    }

    /// Takes over a cell of an inbox, or its deletion. What the store has too is left there above
    /// `memory` bytes.
    pub(crate) fn restore_inbox(
        &mut self,
        address: &Address,
        sub: &[u8],
        value: Option<&[u8]>,
        memory: Option<usize>,
    ) -> Result<(), DecodeError> {
        let _: [u8; 8] = sub.try_into().map_err(|_| Damaged)?;
        let id = self.slot_of(address);
        self.inboxes.restore(&mut self.slots, id, sub, value, memory)
    }

    /// Takes over a parked message, or its deletion.
    pub(crate) fn restore_parked(
        &mut self,
        to: &Address,
        sub: &[u8],
        value: Option<&[u8]>,
        generation: Option<u64>,
    ) -> Result<(), DecodeError> {
        let number = u64::from_be_bytes(sub.try_into().map_err(|_| Damaged)?);
        match value {
            None => self.parked.forget(to, number),
            Some(value) => {
                let parked = Parked::read(value)?;
                if parked.message.to != *to {
                    return Err(Damaged);
                }
                self.parked.restore(number, parked, generation);
            }
        }
        Ok(())
    }
}

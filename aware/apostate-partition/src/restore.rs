//! Takes over cells as they were written: those that the store and the log had when the partition opens, and those that a load
//! brings later.

use std::sync::Arc;

use apostate_core::{Address, Timestamp};
use apostate_log::{Epoch, PartitionId, Position, StoredCell};

use crate::cell::{self, EntityCell, OwnRow, Section};
use crate::client_keys::{Known, Remembered};
use crate::control::read_generation;
use crate::delivery::{Layout, Outgoing};
use crate::message::Message;
use crate::open::OpenError;
use crate::pacing::Pacer;
use crate::partition::Partition;
use crate::planted::{self, Bug};
use crate::slots::SlotId;

impl Partition {
    /// Takes over a row of the partition's own.
    pub(crate) fn restore_row(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), OpenError> {
        let row = cell::read_own_row(self.id, key).ok_or_else(|| self.damaged("a row of its own does not read"))?;
        let unreadable = || OpenError::Damaged {
            partition: self.id,
            position: self.log.submitted,
            detail: "a row of its own does not read".to_owned(),
        };
        match row {
            OwnRow::Counters => {
                let value = value.ok_or_else(unreadable)?;
                let words: Vec<_> =
                    value.chunks_exact(8).map(|word| u64::from_le_bytes(std::array::from_fn(|at| word[at]))).collect();
                let &[position, hash, epoch, next_number, time, _map_version] = &words[..] else {
                    return Err(unreadable());
                };
                self.log.submitted = Position(position);
                self.log.hash = hash;
                self.log.epoch = Epoch(epoch);
                self.log.next_number = next_number;
                self.time = Pacer::starting_at(Timestamp(time));
            }
            OwnRow::ForgottenKeys => {
                let made = value.and_then(|value| value.try_into().ok()).map(u64::from_le_bytes);
                self.sweep.forgotten = Some(Timestamp(made.ok_or_else(unreadable)?));
            }
            OwnRow::Opening => {}
            OwnRow::Rectangle(origin, area) => {
                let number = value
                    .map(|value| value.try_into().map(u64::from_le_bytes))
                    .transpose()
                    .map_err(|_| unreadable())?;
                self.rectangles.restore(origin, area, number);
            }
            OwnRow::Generation(range) => {
                let generation = value.map(|value| read_generation(value).ok_or_else(unreadable)).transpose()?;
                self.generations.0.retain(|(other, _)| *other != range);
                self.generations.0.extend(generation.map(|generation| (range, generation)));
            }
        }
        Ok(())
    }

    /// Takes over a cell of an entity. `is_new`: it comes from the log, and the store may not have it.
    pub(crate) fn restore_cell(&mut self, key: &[u8], value: Option<&[u8]>, is_new: bool) -> Result<(), OpenError> {
        let Some(EntityCell { section, address, sub }) = cell::read_key(key) else {
            return Err(self.damaged(format!("a cell's key does not read: {}", crate::load::hex(key))));
        };
        if !self.range.contains(address.hash()) {
            return Err(self.damaged(format!("P2 broken: {} is not in its range", self.name_of(&address))));
        }
        let is_read = match section {
            Section::State => match value {
                None => false,
                Some(value) => {
                    let id = self.slot_of(&address);
                    let cell: Arc<[u8]> = value.into();
                    self.slots.set_cell(id, Some(cell.clone()));
                    let slot = self.slots.get_mut(id);
                    self.dirty.put_state(slot, cell);
                    if slot.has_keys && !planted::is(Bug::KeysOfLogOnly) {
                        // The store may have client keys of it that the log does not bring.
                        slot.extra().keys.is_partial = true;
                    }
                    true
                }
            },
            Section::ClientKeys => self.restore_client_key(&address, sub, value).is_some(),
            Section::Inbox => self.restore_inbox(&address, sub, value, is_new).is_some(),
            Section::Outgoing => self.restore_outgoing(key, sub, value, is_new).is_some(),
            Section::Parked => self.restore_parked(sub, value, is_new).is_some(),
            Section::Own | Section::Host => false,
        };
        if !is_read {
            return Err(self.damaged(format!("a cell of {} does not read", self.name_of(&address))));
        }
        // States, and messages that were sent, find their own way to the next checkpoint.
        if is_new && !matches!(section, Section::State | Section::Outgoing) {
            match value {
                Some(value) => self.dirty.put_cell(key.into(), value.into()),
                None if section == Section::ClientKeys => self.dirty.erase_cell(key.into()),
                None => self.dirty.delete_cell(key.into()),
            }
        }
        Ok(())
    }

    fn restore_client_key(&mut self, address: &Address, sub: &[u8], value: Option<&[u8]>) -> Option<()> {
        let id = self.slot_of(address);
        let key = std::str::from_utf8(sub).ok()?;
        // What the log brings, the store may not have: the slot stays until the first checkpoint.
        self.slots.get_mut(id).kept = self.dirty.generation();
        let slot = self.slots.get_mut(id);
        slot.has_keys = true;
        let keys = &mut slot.extra().keys;
        match value {
            Some(value) => {
                keys.absent.remove(key);
                keys.known.insert(key.into(), Known::new(Remembered::read(value)?));
            }
            None => {
                // The store may still have it.
                keys.known.remove(key);
                keys.absent.insert(key.into());
            }
        }
        Some(())
    }

    fn restore_outgoing(&mut self, key: &[u8], sub: &[u8], value: Option<&[u8]>, is_new: bool) -> Option<()> {
        let (origin, number) = sub.split_first_chunk()?;
        let identity = crate::Identity {
            origin: PartitionId(u64::from_be_bytes(*origin)),
            number: u64::from_be_bytes(number.try_into().ok()?),
        };
        match value {
            None => {
                if self.outbox.forget(identity) {
                    self.dirty.erase_cell(key.into());
                }
            }
            Some(value) => {
                let (message, written, []) = Message::read(value).ok()? else { return None };
                let peer = self.outbox.index_of(self.map.find(message.to.hash()))?;
                let sender = message.from.filter(|_| written == identity)?;
                let record = self.log.submitted;
                let (layout, is_stored) = (Layout::Here(value.into()), !is_new);
                self.outbox.restore(peer, Outgoing { identity, sender, layout, record, is_stored });
            }
        }
        Some(())
    }

    /// Takes over an entity that a load brought; what memory holds of its client keys is newer. False: it does not read.
    pub(crate) fn place_entity(&mut self, id: SlotId, cells: &[StoredCell], is_partial: bool) -> bool {
        let had_keys = self.slots.get(id).has_keys;
        self.slots.set_cell(id, None);
        for (key, value) in cells {
            let Some(EntityCell { section, sub, .. }) = cell::read_key(key) else { return false };
            match section {
                Section::State => self.slots.set_cell(id, Some(value[..].into())),
                Section::ClientKeys => {
                    let (Ok(key), Some(remembered)) = (std::str::from_utf8(sub), Remembered::read(value)) else {
                        return false;
                    };
                    let keys = &mut self.slots.get_mut(id).extra().keys;
                    keys.known.entry(key.into()).or_insert_with(|| Known::stored(remembered));
                }
                _ => return false,
            }
        }
        let slot = self.slots.get_mut(id);
        slot.has_keys |= had_keys;
        if slot.has_keys {
            let keys = &mut slot.extra().keys;
            keys.is_partial = is_partial;
            let bytes = keys.recount();
            self.slots.set_key_bytes(id, bytes);
        }
        true
    }

    /// Takes over what the store has of one client key. False: it does not read.
    pub(crate) fn place_key(&mut self, id: SlotId, key: Box<str>, cells: &[StoredCell]) -> bool {
        let keys = &mut self.slots.get_mut(id).extra().keys;
        keys.asked.remove(&key);
        match cells {
            [] => keys.note_absent(key),
            [(_, value), ..] => {
                let Some(remembered) = Remembered::read(value) else { return false };
                let bytes = keys.note_stored(key, remembered);
                self.slots.set_key_bytes(id, bytes);
            }
        }
        true
    }
}

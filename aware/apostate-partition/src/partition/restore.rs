//! Takes over cells as they were written, when the partition opens: those of the store, and those of the log.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`; planted `replay-skips`; every restart is compared in `sim/apostate-sim/src/check/shadow.rs`.

use apostate_core::{Address, Timestamp};
use apostate_log::{PartitionId, Position, hex};

use super::Partition;
use crate::cells::cell::{self, EntityCell, PartitionRow, Section};
use crate::cells::fresh::FreshCell;
use crate::cells::lineage::{Genesis, Seal};
use crate::cells::shared::SharedCell;
use crate::cells::state;
use crate::checkpoints::Counters;
use crate::delivery::{Generation, Kept, Layout, Outgoing};
use crate::format::DecodeError::{self, Damaged};
use crate::interface::OpenError;
use crate::log::Replayed;
use crate::message::{Identity, Message};
use crate::pacing::Pacer;
use crate::planted::{self, Bug};
use crate::producers::ForgottenProducers;

impl Partition {
    /// Takes over a row of the partition's own.
    pub(super) fn restore_row(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), OpenError> {
        let unread = "a row of its own does not read";
        let row = cell::read_partition_row(self.reads, key).map_err(|error| self.unread(error, unread))?;
        match row {
            PartitionRow::Seal => {
                let seal = Seal::read(value.unwrap_or_default()).map_err(|error| self.unread(error, unread))?;
                self.seal = Some(seal);
                Ok(())
            }
            PartitionRow::Genesis => {
                let genesis = Genesis::read(value.unwrap_or_default()).map_err(|error| self.unread(error, unread))?;
                self.take_genesis(genesis)
            }
            row => self.restore_own(row, value).ok_or_else(|| self.damaged(unread)),
        }
    }

    /// Takes over a row of the log: the store may not have it.
    pub(super) fn replay_row(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), OpenError> {
        self.restore_row(key, value)?;
        let row = cell::read_partition_row(self.reads, key);
        let is_kept = self.reads == self.scope.id() && !matches!(row, Ok(PartitionRow::Opening | PartitionRow::Seal));
        match value {
            _ if !is_kept => {}
            Some(value) => self.checkpoints.dirty_mut().put(key.into(), value.into()),
            None => self.checkpoints.dirty_mut().erase(key.into()),
        }
        Ok(())
    }

    /// None: it does not read.
    fn restore_own(&mut self, row: PartitionRow, value: Option<&[u8]>) -> Option<()> {
        match row {
            PartitionRow::Counters => {
                let Counters { position, hash, epoch, next_number, now, map_version } = Counters::read(value?)?;
                self.log.replay(Replayed { position, hash, epoch, next_number });
                self.time = Pacer::starting_at(now);
                if self.reads == self.scope.id() {
                    self.scope.restore_born(map_version);
                    self.checkpoints.note_own();
                }
            }
            PartitionRow::ForgottenKeys => {
                self.sweep.restore_forgotten(Timestamp(u64::from_le_bytes(value?.try_into().ok()?)));
            }
            PartitionRow::DeletedVersion => {
                self.entities.note_deleted(u64::from_le_bytes(value?.try_into().ok()?));
            }
            PartitionRow::Heard(producer) => {
                let heard = match value {
                    Some(value) => Some(Timestamp(u64::from_le_bytes(value.try_into().ok()?))),
                    None => None,
                };
                self.work.producers_mut().known_mut().restore(producer, heard);
            }
            PartitionRow::ForgottenProducers => {
                let forgotten = ForgottenProducers::from_bytes(value?)?;
                self.work.producers_mut().known_mut().restore_forgotten(forgotten);
            }
            PartitionRow::Opening | PartitionRow::Seal | PartitionRow::Genesis => {}
            PartitionRow::Rectangle(origin, area) => {
                let number = match value {
                    Some(value) => Some(u64::from_le_bytes(value.try_into().ok()?)),
                    None => None,
                };
                self.delivery.rectangles_mut().restore(origin, area, number);
            }
            PartitionRow::Generation(range) => {
                let generation = match value {
                    Some(value) => Some(Generation::from_bytes(value)?),
                    None => None,
                };
                self.delivery.generations_mut().restore(range, generation);
            }
        }
        Some(())
    }

    /// Takes over a cell of an entity. `is_new`: it comes from the log, and the store may not have it.
    pub(super) fn restore_cell(&mut self, key: &[u8], value: Option<&[u8]>, is_new: bool) -> Result<(), OpenError> {
        let EntityCell { section, address, sub } = cell::read_key(key)
            .map_err(|error| self.unread(error, format!("a cell's key does not read: {}", hex(key))))?;
        let name = |partition: &Self| partition.entities.name_of(&address);
        let is_of_sibling = !self.scope.range().contains(address.hash()) && self.reads != self.scope.id();
        if is_of_sibling && !(planted::is(Bug::ChildUnclipped) && section == Section::Outgoing) {
            // It goes to another one that goes on for the same partition.
            return Ok(());
        }
        if !self.scope.range().contains(address.hash()) && !is_of_sibling {
            return Err(self.damaged(format!("P2 broken: {} is not in its range", name(self))));
        }
        let generation = self.checkpoints.dirty().generation();
        let restored = match section {
            Section::State => self.restore_state(&address, value),
            Section::ClientKeys => self.restore_client_key(&address, sub, SharedCell::of(key, value), is_new),
            Section::Activities => {
                let restored = self.entities.restore_activity(&address, sub, value, generation);
                self.checkpoints.dirty_mut().change(SharedCell::of(key, value));
                restored
            }
            Section::Timers => self.timers.restore(&address, (key, sub), value),
            Section::Inbox => {
                let memory = (!is_new).then_some(self.scope.tuning().inbox_memory);
                self.entities.restore_inbox(&address, sub, value, memory)
            }
            Section::Outgoing => self.restore_outgoing(key, sub, value, is_new),
            Section::Parked => self.entities.restore_parked(&address, sub, value, is_new.then_some(generation)),
            Section::Asks | Section::Agreements | Section::Operations | Section::Owed | Section::Settlements => {
                self.entities.open_work_mut().restore((section, key), sub, value)
            }
            Section::Own | Section::Host => Err(DecodeError::Damaged),
        };
        restored.map_err(|error| self.unread(error, format!("a cell of {} does not read", name(self))))?;
        // States, activities, client keys, and messages that were sent, find their own way to the next checkpoint.
        if is_new && !matches!(section, Section::State | Section::Activities | Section::ClientKeys | Section::Outgoing)
        {
            let dirty = self.checkpoints.dirty_mut();
            match (FreshCell::read(section, key), value) {
                (Some(cell), Some(value)) => dirty.put_fresh(cell, value.into()),
                (Some(cell), None) => dirty.erase_fresh(cell),
                (None, Some(value)) => dirty.put(key.into(), value.into()),
                (None, None) => dirty.erase(key.into()),
            }
        }
        Ok(())
    }

    fn restore_state(&mut self, address: &Address, value: Option<&[u8]>) -> Result<(), DecodeError> {
        if let Some(value) = value {
            state::word_of(value)?;
        }
        let slot = self.entities.restore_state(address, value.map(Into::into));
        self.checkpoints.dirty_mut().put_state(slot);
        Ok(())
    }

    fn restore_client_key(
        &mut self,
        address: &Address,
        sub: &[u8],
        cell: SharedCell,
        is_new: bool,
    ) -> Result<(), DecodeError> {
        let dirty = self.checkpoints.dirty_mut();
        self.entities.restore_client_key(address, sub, &cell, dirty.generation())?;
        if is_new {
            dirty.change(cell);
        }
        Ok(())
    }

    fn restore_outgoing(
        &mut self,
        key: &[u8],
        sub: &[u8],
        value: Option<&[u8]>,
        is_new: bool,
    ) -> Result<(), DecodeError> {
        let (origin, number) = sub.split_first_chunk().ok_or(Damaged)?;
        let identity = Identity {
            origin: PartitionId(u64::from_be_bytes(*origin)),
            number: u64::from_be_bytes(number.try_into().map_err(|_| Damaged)?),
        };
        match value {
            None => {
                if self.delivery.outbox_mut().forget(identity) {
                    self.checkpoints.dirty_mut().erase_fresh(FreshCell::outgoing(key.into()));
                }
            }
            Some(value) => {
                let (message, written, []) = Message::read(value)? else { return Err(Damaged) };
                let target = message.to.hash();
                let peer = self.delivery.peer(&self.scope, self.scope.find(target)).ok_or(Damaged)?;
                let sender = message.from.filter(|_| written == identity).ok_or(Damaged)?;
                // Durable, in this log or in another one.
                let (record, layout) = (Position(0), Layout::InMemory(value.into()));
                let kept = if is_new { Kept::Logged } else { Kept::Stored };
                let outgoing = Outgoing { identity, sender, target, layout, record, kept };
                self.delivery.outbox_mut().restore(peer, outgoing);
            }
        }
        Ok(())
    }
}

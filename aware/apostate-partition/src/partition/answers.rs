//! Answers of the log and the store: what is durable may leave, what was asked for is here.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs` and `pages.rs`; planted `unknown-is-ok`, `fencing-off`.

use apostate_log::{AppendResult, Confirmation, Position, StoreError};

use super::Partition;
use crate::cells::cell::{self, PartitionRow};
use crate::cells::record_body::RecordKind;
use crate::entities::Residence;
use crate::interface::{Damage, Effect, Load, Loaded, Outage, StopReason, Stored};
use crate::log::Appended;
use crate::planted::{self, Bug};

impl Partition {
    /// Appends the record that says who writes from here on. Nothing is served before it is durable.
    pub(super) fn append_opening(&mut self, effects: &mut Vec<Effect>) {
        if !self.log.begin_opening() {
            return;
        }
        // No two writers write the same one: a writer that finds another's there is fenced.
        let nonce = if planted::is(Bug::OpeningsAlike) { 0 } else { self.runner.random() }.to_le_bytes();
        let row = cell::partition_row(self.scope.id(), &PartitionRow::Opening);
        self.batch.record().put_key(&row, &nonce);
        self.batch.record().delete_key(&row);
        self.begin_forgotten();
        let (now, tuning) = (self.time.now(), *self.scope.tuning());
        self.work.producers_mut().known_mut().begin(now, &tuning);
        let is_first = self.genesis.is_some() && self.log.submitted() == Position(0);
        if is_first {
            self.write_genesis();
        }
        self.append(if is_first { RecordKind::Genesis } else { RecordKind::Opening }, effects);
        self.batch.begin_at(self.log.next_number());
        self.log.note_opening_appended();
    }

    /// The log answers an append.
    pub(super) fn appended(&mut self, position: Position, result: AppendResult, effects: &mut Vec<Effect>) {
        match self.log.answered(self.scope.id(), position, result, self.time.now()) {
            Err(reason) => return self.stop(reason, effects),
            Ok(Appended::Stale) => return,
            Ok(Appended::Full) => self.note_full(effects),
            Ok(Appended::Noted) => {}
        }
        let was_sealed = self.log.is_sealed();
        self.log.advance(&mut self.notices);
        self.log.append_again(self.time.now(), effects);
        self.log.release(effects);
        self.tell_sealed(was_sealed, effects);
    }

    /// The log says whether we are still the writer.
    pub(super) fn confirmed(&mut self, confirmation: Confirmation, effects: &mut Vec<Effect>) {
        if let Err(reason) = self.log.confirmed(confirmation, effects) {
            self.stop(reason, effects);
        }
    }

    /// The store answers a load.
    pub(super) fn loaded(&mut self, loaded: Loaded, effects: &mut Vec<Effect>) {
        let Loaded { load, cells, is_partial } = loaded;
        let reason = match cells {
            Ok(mut cells) => {
                if matches!(load, Load::Entity(_) | Load::ClientKey(..) | Load::Activity { .. }) {
                    cells.retain(|(key, _)| !self.checkpoints.dirty().is_erased(key));
                }
                self.place(load, &cells, is_partial).err()
            }
            Err(error) => {
                let what = self.stored_by(&load);
                Some(match error {
                    StoreError::Damaged { .. } => StopReason::Damaged(Damage::Known { what, error }),
                    error => StopReason::Failed(Outage::Load { what, error }),
                })
            }
        };
        if let Some(reason) = reason {
            self.stop(reason, effects);
        }
    }

    /// Takes over what a load brought.
    fn place(&mut self, load: Load, cells: &[apostate_log::StoredCell], is_partial: bool) -> Result<(), StopReason> {
        let retention = self.scope.tuning().client_key_retention;
        match load {
            Load::Outgoing { to, cells: page } => self.delivery.take_page(to, &page, cells)?,
            Load::ClientKeys { .. } => self.sweep.take_page(cells, self.time.now(), retention)?,
            Load::Parked { to, number } => {
                for command in self.entities.take_parked(&to, number, cells)? {
                    self.work.push_command(command);
                }
            }
            Load::Inbox { address, cells: asked } => {
                let Some(id) = self.entities.find(&address) else { return Ok(()) };
                self.entities.take_inbox_page(id, &asked, cells)?;
            }
            Load::Entity(address) => {
                let Some(id) = self.entities.find(&address) else { return Ok(()) };
                if matches!(self.entities.get(id).residence(), Residence::Loading(_)) {
                    self.entities.place(id, cells, is_partial)?;
                }
                self.entities.make_ready(id);
                self.work.release(self.entities.release_waiting(id));
            }
            Load::Activity { address, life, partner } => {
                let Some(id) = self.entities.find(&address) else { return Ok(()) };
                self.entities.place_activity(id, &(life, partner), cells)?;
                self.entities.make_ready(id);
                self.work.release(self.entities.release_waiting(id));
            }
            Load::ClientKey(address, key) => {
                let Some(id) = self.entities.find(&address) else { return Ok(()) };
                self.entities.place_key(id, &key, cells, is_partial)?;
                self.entities.make_ready(id);
                self.work.release(self.entities.release_waiting(id));
            }
        }
        Ok(())
    }

    /// The thing that a load asks for.
    fn stored_by(&self, load: &Load) -> Stored {
        let name = |address| self.entities.name_of(address);
        match load {
            Load::Entity(address) => Stored::Entity(name(address)),
            Load::ClientKey(address, key) => Stored::ClientKey { key: key.clone(), entity: name(address) },
            Load::Activity { address, partner, .. } => {
                Stored::Activity { partner: partner.clone(), entity: name(address) }
            }
            Load::Outgoing { to, cells } => Stored::OutgoingPage { to: *to, count: cells.len() },
            Load::Inbox { address, .. } => Stored::InboxPage(name(address)),
            Load::ClientKeys { .. } => Stored::ClientKeys,
            Load::Parked { to, number } => Stored::Parked { number: *number, entity: name(to) },
        }
    }
}

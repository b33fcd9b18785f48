//! Activities of entities: asked of the store, changed by a batch, taken back, and read back at an opening.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/activities.rs`; planted `activity-not-undone`, `activity-not-erased`.

use apostate_core::{ActivityChange, Address, PartnerKey, Timestamp};
use apostate_log::{Position, StoredCell};

use crate::cells::activity::{self, ActivitySub};
use crate::cells::cell;
use crate::entities::activities::{ActivityBefore, LifeBefore, SlotActivities};
use crate::entities::resident::Entities;
use crate::entities::slots::SlotId;
use crate::format::DecodeError;
use crate::interface::{Load, StopReason};

impl Entities {
    /// Whether the entity is of a kind that remembers something about partners.
    pub(crate) fn has_activities(&self, id: SlotId) -> bool {
        self.slots.get(id).kind().is_some_and(|kind| self.registry.kinds()[kind].has_activities)
    }

    /// A message was stopped at an activity: it waits until that is loaded, and runs again with the same seed.
    pub(crate) fn await_activity(
        &mut self,
        id: SlotId,
        (fingerprint, seed): (u64, u64),
        partner: PartnerKey,
        now: Timestamp,
    ) {
        let slot = self.slots.get_mut(id);
        if let Some(life) = slot.activities_mut().stop((fingerprint, seed), &partner, now) {
            self.loads.push(Load::Activity { address: slot.address().clone(), life, partner });
        }
    }

    /// Has the activity with the sender of a message loaded, for that is the one which its handler asks for most often.
    pub(crate) fn prefetch_activity(&mut self, id: SlotId, sender: &Address) {
        if !self.has_activities(id) || !self.slots.get(id).is_resident() {
            return;
        }
        let slot = self.slots.get_mut(id);
        let partner = PartnerKey::of(sender);
        if let Some(life) = slot.activities_mut().ask(&partner) {
            self.loads.push(Load::Activity { address: slot.address().clone(), life, partner });
        }
    }

    /// Takes over an activity that a load brought.
    pub(crate) fn place_activity(
        &mut self,
        id: SlotId,
        asked: &(Option<u64>, PartnerKey),
        cells: &[StoredCell],
    ) -> Result<(), StopReason> {
        let (mut life, mut value) = (asked.0.unwrap_or(0), None);
        for (key, cell) in cells {
            let sub = cell::read_key(key).and_then(|key| ActivitySub::read(key.sub));
            match sub.map_err(|error| self.unread(id, error))? {
                ActivitySub::Life => life = activity::read_life(cell).map_err(|error| self.unread(id, error))?,
                ActivitySub::Of(..) => {
                    value = Some(activity::read_value(cell).map_err(|error| self.unread(id, error))?);
                }
            }
        }
        if self.slots.get(id).activities().is_some() {
            self.slots.change_activities(id, |activities| activities.place(asked, life, value));
        }
        Ok(())
    }

    /// Takes over a change of a run. Gives what was there before.
    pub(crate) fn change_activity(&mut self, id: SlotId, change: ActivityChange) -> ActivityBefore {
        self.slots.change_activities(id, |activities| activities.change(change))
    }

    /// Takes a change of the open batch back.
    pub(crate) fn undo_activity(&mut self, id: SlotId, before: ActivityBefore) {
        self.slots.change_activities(id, |activities| activities.undo(before));
    }

    /// The entity has begun to exist, with the version that it has. Gives what was before.
    pub(crate) fn begin_life(&mut self, id: SlotId) -> LifeBefore {
        let life = self.slots.get(id).version() - 1;
        self.slots.change_activities(id, |activities| activities.begin_life(life))
    }

    /// The entity was deleted: what it remembered is out of reach. Gives that.
    pub(crate) fn end_life(&mut self, id: SlotId) -> LifeBefore {
        self.slots.change_activities(id, SlotActivities::end_life)
    }

    /// Takes back that the entity began to exist or was deleted in the open batch.
    pub(crate) fn undo_life(&mut self, id: SlotId, before: LifeBefore) {
        self.slots.change_activities(id, |activities| activities.undo_life(before));
    }

    /// The batch that touched the entity is closed as `record`, and part of `generation`.
    pub(crate) fn note_activities_closed(&mut self, id: SlotId, record: Position, generation: u64) {
        let slot = self.slots.get_mut(id);
        if slot.activities().is_some() && slot.activities_mut().note_closed(record, generation) {
            slot.note_extra_dirty(generation);
        }
    }

    /// Takes over an activity of the log, or its deletion, in `generation`.
    pub(crate) fn restore_activity(
        &mut self,
        address: &Address,
        sub: &[u8],
        value: Option<&[u8]>,
        generation: u64,
    ) -> Result<(), DecodeError> {
        let sub = ActivitySub::read(sub)?;
        let (value, life) = match (&sub, value) {
            (ActivitySub::Life, Some(value)) => (None, Some(activity::read_life(value)?)),
            (ActivitySub::Of(..), Some(value)) => (Some(activity::read_value(value)?), None),
            (ActivitySub::Life | ActivitySub::Of(..), None) => (None, None),
        };
        let id = self.slot_of(address);
        if !self.slots.get(id).exists() {
            // It was deleted by the same record, and what it remembered with it.
            self.slots.get_mut(id).note_extra_dirty(generation);
            if sub == ActivitySub::Life {
                self.slots.change_activities(id, |activities| *activities = SlotActivities::ended(life));
            }
            return Ok(());
        }
        // What the log brings, the store may not have: the slot stays until the first checkpoint.
        self.slots.get_mut(id).note_extra_dirty(generation);
        self.slots.change_activities(id, |activities| activities.restore(sub, value, life, generation));
        Ok(())
    }
}

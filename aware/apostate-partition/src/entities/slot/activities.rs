//! The activities of one entity in memory, and the message that waits for one of them.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/activities.rs`.

use apostate_core::Timestamp;

use super::{Residence, Slot, SlotActivities};

impl Slot {
    /// Whether it is in memory, and no message waits for one of its activities: others would overtake that message.
    pub(crate) fn is_resident(&self) -> bool {
        self.residence() == Residence::Resident && self.awaited_since().is_none()
    }

    /// Since when a message waits for the entity, or for one of its activities, to be loaded.
    pub(crate) fn loading_since(&self) -> Option<Timestamp> {
        match self.residence() {
            Residence::Loading(since) => Some(since),
            Residence::Resident => self.awaited_since(),
            Residence::Unknown => None,
        }
    }

    fn awaited_since(&self) -> Option<Timestamp> {
        self.activities().and_then(SlotActivities::awaited_since)
    }

    /// The activities in memory, if a handler ran that may ask for them.
    pub(crate) fn activities(&self) -> Option<&SlotActivities> {
        self.extra.as_ref().and_then(|extra| extra.activities.as_ref())
    }

    /// The activities, for a handler that may ask for them.
    pub(crate) fn activities_mut(&mut self) -> &mut SlotActivities {
        let is_none = self.residence() == Residence::Resident && !self.exists;
        self.extra_mut().activities.get_or_insert_with(|| match is_none {
            true => SlotActivities::of_no_entity(),
            false => SlotActivities::unknown(),
        })
    }

    pub(in crate::entities) fn set_activity_bytes(&mut self, bytes: usize) {
        self.extra_mut().activity_bytes = bytes;
    }

    pub(in crate::entities) fn activity_bytes(&self) -> usize {
        self.extra.as_ref().map_or(0, |extra| extra.activity_bytes)
    }
}

//! Extra of a slot, which few entities need: messages and calls that wait for them, client keys, and activities.

use std::collections::VecDeque;

use crate::entities::activities::SlotActivities;
use crate::entities::client_keys::ClientKeys;
use crate::entities::inbox::{InboxItem, Retry};
use crate::interface::Request;

/// Messages and calls that wait for an entity, and client keys that it remembers.
#[derive(Default)]
pub(in crate::entities) struct Extra {
    /// Accepted messages, in the order of their numbers.
    pub(in crate::entities) inbox: VecDeque<InboxItem>,
    /// Set while the inbox's head waits out a panic.
    pub(in crate::entities) retry: Option<Retry>,
    /// Whether the head of the inbox is being read from the store.
    pub(in crate::entities) is_reading: bool,
    /// Whether it stands in the list of ready inboxes.
    pub(in crate::entities) is_ready: bool,
    /// Calls from outside that wait behind the inbox or a load.
    pub(in crate::entities) waiting: VecDeque<Request>,
    /// Client keys, and the answers that they got.
    pub(in crate::entities) keys: ClientKeys,
    /// Activities, if a handler ran that may ask for them.
    pub(in crate::entities) activities: Option<SlotActivities>,
    /// Bytes that the activities in memory cost.
    pub(super) activity_bytes: usize,
    /// The newest generation in which a cell of it changed besides the state.
    pub(super) dirty_generation: u64,
}

impl Extra {
    pub(super) fn is_idle(&self) -> bool {
        let is_asking = self.keys.is_asking() || self.activities.as_ref().is_some_and(SlotActivities::is_asking);
        self.inbox.is_empty() && self.waiting.is_empty() && !is_asking
    }
}

impl Extra {
    /// The generation under way has another number: whatever has changed in it says so.
    pub(super) fn renumber_generation(&mut self, from: u64, to: u64) {
        let Self {
            inbox: _,
            retry: _,
            is_reading: _,
            is_ready: _,
            waiting: _,
            keys,
            activities,
            activity_bytes: _,
            dirty_generation,
        } = self;
        if *dirty_generation == from {
            *dirty_generation = to;
        }
        keys.renumber_generation(from, to);
        if let Some(activities) = activities {
            activities.renumber_generation(from, to);
        }
    }

    /// Notes that all of it stands in durable records.
    pub(in crate::entities) fn forget_records(&mut self) {
        self.keys.forget_records();
        if let Some(activities) = &mut self.activities {
            activities.forget_record();
        }
    }

    /// Whether it holds nothing that a new one would not.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            inbox: _,
            retry,
            is_reading,
            is_ready,
            waiting: _,
            keys,
            activities,
            activity_bytes: _,
            dirty_generation,
        } = self;
        activities.is_none()
            && self.is_idle()
            && retry.is_none()
            && !is_reading
            && !is_ready
            && keys.is_empty()
            && *dirty_generation == 0
    }
}

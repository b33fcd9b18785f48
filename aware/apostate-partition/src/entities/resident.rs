//! The part: entities in memory, by their addresses and by their names.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/budgets.rs`.

use std::sync::Arc;

use apostate_core::{Address, HandlerId, KindId, Registry};

use crate::entities::inboxes::Inboxes;
use crate::entities::open_work::OpenWork;
use crate::entities::parked::ParkedMessages;
use crate::entities::slot::{NONE, Slot};
use crate::entities::slots::{SlotId, Slots};
use crate::interface::Load;

/// Entities in memory, their inboxes, client keys, parked messages and open work, and what the store is asked for on their behalf.
pub(crate) struct Entities {
    pub(super) registry: Arc<Registry>,
    pub(super) slots: Slots,
    pub(super) inboxes: Inboxes,
    pub(super) parked: ParkedMessages,
    pub(super) open_work: OpenWork,
    /// Asked of the store in this step.
    pub(super) loads: Vec<Load>,
    /// The highest version that any deleted entity had, in records that are made.
    pub(super) deleted_version: u64,
}

impl Entities {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            slots: Slots::default(),
            inboxes: Inboxes::default(),
            parked: ParkedMessages::default(),
            open_work: OpenWork::default(),
            loads: Vec::new(),
            deleted_version: 0,
        }
    }

    /// No entities, of the same kinds.
    pub(crate) fn like(other: &Self) -> Self {
        Self::new(Arc::clone(&other.registry))
    }

    pub(crate) fn open_work(&self) -> &OpenWork {
        &self.open_work
    }

    pub(crate) fn open_work_mut(&mut self) -> &mut OpenWork {
        &mut self.open_work
    }

    /// A slot, and the open work of all entities.
    pub(crate) fn slot_and_work(&mut self, id: SlotId) -> (&mut Slot, &OpenWork) {
        (self.slots.get_mut(id), &self.open_work)
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Number of entities in memory.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes()
    }

    pub(crate) fn find(&self, address: &Address) -> Option<SlotId> {
        self.slots.find(address)
    }

    pub(crate) fn get(&self, id: SlotId) -> &Slot {
        self.slots.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: SlotId) -> &mut Slot {
        self.slots.get_mut(id)
    }

    /// The slot of an entity, made if it has none.
    pub(crate) fn slot_of(&mut self, address: &Address) -> SlotId {
        let registry = &self.registry;
        self.slots.find_or_insert(address, || {
            registry.find(address.kind()).and_then(|kind| u32::try_from(kind).ok()).unwrap_or(NONE)
        })
    }

    /// The slot of an entity that had `slot` before; made if it has none.
    pub(crate) fn slot_still(&mut self, slot: Option<SlotId>, address: &Address) -> SlotId {
        match slot {
            Some(slot) if self.slots.is_of(slot, address) => slot,
            _ => self.slot_of(address),
        }
    }

    /// An entity's name for people.
    pub(crate) fn name_of(&self, address: &Address) -> String {
        match self.registry.find(address.kind()) {
            Some(kind) => format!("{}/{}", self.registry.kinds()[kind].name, address.key()),
            None => format!("{:08x}/{}", address.kind().0, address.key()),
        }
    }

    /// The name of a kind, or its number if this build does not have it.
    pub(crate) fn kind_name(&self, kind: KindId) -> String {
        match self.registry.find(kind) {
            Some(kind) => self.registry.kinds()[kind].name.to_owned(),
            None => format!("{:08x}", kind.0),
        }
    }

    /// A handler's name for people.
    pub(crate) fn handler_name(&self, address: &Address, handler: HandlerId) -> String {
        let kind = self.registry.find(address.kind()).map(|kind| &self.registry.kinds()[kind]);
        let found = kind.and_then(|kind| Some(kind.handlers[kind.find(handler)?].name.to_owned()));
        found.unwrap_or_else(|| format!("{:08x}", handler.0))
    }

    /// Whether a handler of an entity answers later.
    pub(crate) fn answers_later(&self, id: SlotId, handler: HandlerId) -> bool {
        let kind = self.slots.get(id).kind().map(|kind| &self.registry.kinds()[kind]);
        kind.is_some_and(|kind| kind.find(handler).is_some_and(|handler| kind.handlers[handler].answers_later))
    }

    /// Evicts entities until they take `budget` or less; the store holds generation `stored`. Takes `steps` at most.
    pub(crate) fn evict_to_budget(&mut self, budget: usize, stored: u64, steps: usize) {
        self.slots.evict(budget, stored, steps);
    }

    /// Whether entities keep to their budget, after [`evict_to_budget`](Self::evict_to_budget) with the same words.
    pub(crate) fn check_evicted(&self, budget: usize, stored: u64, steps: usize) {
        self.slots.check_evicted(budget, stored, steps);
    }
}

impl Entities {
    /// Recounts what is counted by hand. `touched` gives the entity at each place of the open batch.
    pub(crate) fn check(&self, touched: &[SlotId], is_batch_open: bool) {
        self.slots.check();
        self.inboxes.check(&self.slots);
        self.parked.check();
        self.open_work.check(is_batch_open);
        let places = self.slots.iter().filter_map(|(id, slot)| Some((slot.touched()?, id)));
        let mut count = 0;
        for (place, id) in places {
            assert!(touched.get(place) == Some(&id), "E3 broken: an entity stands at another one's place in the batch");
            count += 1;
        }
        assert!(count == touched.len(), "E3 broken: a batch has touched an entity that does not know of it");
    }
}

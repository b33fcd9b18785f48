//! Splits and merges checkpoints, and the entities with them: a slot knows its place in what waits for the store.

use std::collections::BTreeMap;

use super::Checkpoints;
use crate::cut::Cut;
use crate::entities::Entities;

impl Checkpoints {
    /// Splits what waits for the store, and tells the slots of each side of their places in it. A request waits for both sides.
    pub(crate) fn split(self, cut: Cut, entities: &mut [Entities; 2]) -> [Self; 2] {
        let Self { dirty, requests, is_wanted, has_own } = self;
        let sides = dirty.split(cut).map(|dirty| Self { dirty, requests: requests.clone(), is_wanted, has_own });
        sides.iter().zip(entities).for_each(|(side, entities)| side.renumber_slots(entities));
        sides
    }

    /// Checkpoints of two sides, whose entities these are. Gives them with the entities of both.
    pub(crate) fn merge(self, mut entities: Entities, other: Self, mut others: Entities) -> (Self, Entities) {
        let generation = self.dirty.joint_generation(&other.dirty);
        for (side, entities) in [(&self, &mut entities), (&other, &mut others)] {
            let from = side.dirty.generation();
            entities.renumber_generation(side.dirty.shared_keys(), from, generation);
        }
        let Self { dirty, requests, is_wanted, has_own } = other;
        // One that both sides have is met by one checkpoint of them together.
        let tickets: BTreeMap<_, _> = self.requests.into_iter().chain(requests).collect();
        let merged = Self {
            dirty: self.dirty.merge(dirty),
            requests: tickets.into_keys().map(|ticket| (ticket, generation)).collect(),
            is_wanted: self.is_wanted || is_wanted,
            has_own: self.has_own && has_own,
        };
        let mut entities = entities.merge(others);
        merged.renumber_slots(&mut entities);
        (merged, entities)
    }

    /// Checkpoints of a partition that goes on for another one: that one's own rows are not among what waits for the store.
    pub(crate) fn of_child(self) -> Self {
        let Self { dirty, requests, is_wanted, has_own: _ } = self;
        Self { dirty: dirty.of_child(), requests, is_wanted, has_own: false }
    }

    fn renumber_slots(&self, entities: &mut Entities) {
        for (index, address) in self.dirty.states().enumerate() {
            if let Some(id) = entities.find(address) {
                entities.get_mut(id).note_dirty(self.dirty.generation(), index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apostate_core::{Address, EntityKey, KindId, Registry};
    use apostate_log::{PartitionId, Position};

    use super::*;
    use crate::cells::cell::{self, PartitionRow, Section};
    use crate::cells::fresh::FreshCell;
    use crate::cells::shared::SharedCell;
    use crate::range::Range;

    fn address(number: u64) -> Address {
        Address::new(KindId::of("order"), EntityKey::new(&number.to_string()).expect("a key"))
    }

    /// Changes the states and cells of entities in this generation.
    fn change(checkpoints: &mut Checkpoints, entities: &mut Entities, numbers: std::ops::Range<u64>) {
        let dirty = checkpoints.dirty_mut();
        for number in numbers {
            let (of, generation) = (address(number), dirty.generation());
            dirty.put_state(entities.restore_state(&of, Some(vec![1; 20].into())));
            dirty.put_fresh(FreshCell::inbox(&of, number), [2; 5].into());
            dirty.erase(cell::key(Section::Timers, &of, b"gone").into());
            let activity = SharedCell::of(&cell::key(Section::Activities, &of, &[0; 9]), None);
            let slot = entities.slot_of(&of);
            entities.get_mut(slot).note_extra_dirty(generation);
            dirty.change(activity);
        }
        dirty.put(cell::partition_row(PartitionId(1), &PartitionRow::ForgottenKeys).into(), [3; 8].into());
        dirty.count_log(1000);
    }

    /// Everything that the next checkpoint says, in order.
    fn said(checkpoints: &mut Checkpoints) -> Vec<String> {
        checkpoints.check();
        let dirty = checkpoints.dirty_mut();
        dirty.take(PartitionId(1), Position(9), Vec::new());
        let checkpoint = dirty.next(Position(9)).expect("it is durable");
        assert!(dirty.written(Position(9)));
        let states = checkpoint.states.iter().map(|state| format!("{state:?}"));
        let cells = checkpoint.cells.iter().map(|cell| format!("{cell:?}"));
        let shared = checkpoint.shared.iter().map(|cell| format!("{cell:?}"));
        let mut said: Vec<_> = states.chain(cells).chain(shared).collect();
        said.sort();
        said
    }

    fn new() -> (Checkpoints, Entities) {
        (Checkpoints::default(), Entities::new(Arc::new(Registry::default())))
    }

    #[test]
    fn a_checkpoint_after_a_split_and_a_merge_says_what_it_would_have_said() {
        let ((mut one, mut entities), (mut other, mut others)) = (new(), new());
        for (checkpoints, entities) in [(&mut one, &mut entities), (&mut other, &mut others)] {
            change(checkpoints, entities, 0..40);
            assert!(!checkpoints.request(7, None));
        }
        let (bytes, log_bytes) = (one.dirty().bytes(), one.dirty().log_bytes());
        let cut = Cut::new(Range::WHOLE, address(7).hash()).expect("a cut");
        let mut sides = entities.split(cut);
        let [lower, upper] = one.split(cut, &mut sides);
        let [low, up] = sides;
        let (mut merged, mut entities) = lower.merge(low, upper, up);
        assert_eq!((merged.dirty().bytes(), merged.dirty().log_bytes()), (bytes, log_bytes));
        for number in 0..40 {
            // The place that the slot is told is its own: a further change takes no other.
            merged.dirty_mut().put_state(entities.restore_state(&address(number), Some(vec![1; 20].into())));
        }
        assert_eq!(merged.dirty().bytes(), bytes);
        assert_eq!(said(&mut merged), said(&mut other));
        assert_eq!(merged.take_met(), [7], "one request, met by one checkpoint");
    }

    #[test]
    fn changes_of_two_partitions_stay_until_one_checkpoint_has_them() {
        let ((mut one, mut entities), mut two) = (new(), Checkpoints::default());
        let mut others = Entities::like(&entities);
        change(&mut one, &mut entities, 0..10);
        for round in 0..5 {
            change(&mut two, &mut others, 10..20);
            if round < 4 {
                said(&mut two);
            }
        }
        let (mut merged, mut entities) = one.merge(entities, two, others);
        assert_eq!((merged.dirty().generation(), merged.dirty().stored()), (5, 4));
        entities.evict_to_budget(0, merged.dirty().stored(), 1000);
        assert_eq!(entities.count(), 20, "the store has none of them as it is");
        assert!(merged.dirty().is_erased(&cell::key(Section::Timers, &address(3), b"gone")));
        said(&mut merged);
        assert!(!merged.dirty().is_erased(&cell::key(Section::Timers, &address(3), b"gone")));
        entities.evict_to_budget(0, merged.dirty().stored(), 1000);
        assert_eq!(entities.count(), 0);
    }
}

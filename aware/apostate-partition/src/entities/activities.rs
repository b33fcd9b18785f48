//! Activities of one entity, as far as they are in memory: what it remembers about each partner.
//!
//! A message pays for the partners that its handler asks for, not for those that there are. One that is not in memory is asked of the store
//! while its message waits, and the message runs again with the same seed: else a handler that chooses a partner at random would never end.
//!
//! A change is made in memory, noted in the journal of the batch with what was there before, and written once when the batch
//! closes. What the store may not have stays, and the entity with it.
//!
//! Paper: *Activities: managing state for each partner*.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/activities.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use apostate_core::{ActivityChange, LoadedActivities, PartnerKey, Timestamp};
use apostate_log::Position;

use crate::cells::activity::{self, ActivitySub};
use crate::planted::{self, Bug};

/// Activities of one entity that take less are not worth the asking for them later.
pub(super) const ACTIVITY_BYTES_MIN: usize = 64 << 10;

/// How many activities of an entity that is deleted are erased with it. Others are out of reach, for they belong to an earlier life.
const ERASED_WITH_ENTITY_MAX: usize = 256;

/// How many messages that are to run again have their seed kept, for one entity.
const RERUNS_MAX: usize = 64;

/// About what an activity costs in memory besides partner and encoding.
const OVERHEAD_BYTES: usize = 96;

/// The activities of one entity that are in memory, and what is being asked of the store.
#[derive(Debug)]
pub(crate) struct SlotActivities {
    loaded: LoadedActivities,
    /// The life under way; none if only the store knows.
    life: Option<u64>,
    /// Partners whose activity the store may not have as it is, with the generation that has it: the last one possible until the batch
    /// is closed.
    unstored: BTreeMap<PartnerKey, u64>,
    /// Cells that the open batch has changed, as they are now.
    pending: BTreeMap<ActivitySub, Option<Arc<[u8]>>>,
    /// The newest record that changed any.
    record: Position,
    /// Partners whose activity the store is being asked for, each in the life that was known then.
    asked: Vec<(Option<u64>, PartnerKey)>,
    /// The activity that a message waits for, since when.
    awaited: Option<(PartnerKey, Timestamp)>,
    reruns: Vec<Rerun>,
    bytes: usize,
}

/// A message that was stopped and runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rerun {
    fingerprint: u64,
    seed: u64,
}

/// An activity before a change, for its undoing.
#[derive(Debug)]
pub(crate) struct ActivityBefore {
    partner: PartnerKey,
    /// None: it was the default.
    value: Option<Arc<[u8]>>,
    unstored: Option<u64>,
    /// Bytes that the change takes in a record, about.
    pub(crate) written_bytes: usize,
}

/// The life before another one began or it ended in the open batch, and what was in memory of it.
#[derive(Debug)]
pub(crate) struct LifeBefore {
    loaded: LoadedActivities,
    life: Option<u64>,
    unstored: BTreeMap<PartnerKey, u64>,
}

fn bytes_of(partner: &PartnerKey, value: Option<&Arc<[u8]>>) -> usize {
    OVERHEAD_BYTES + partner.as_bytes().len() + value.map_or(0, |value| value.len())
}

impl SlotActivities {
    fn with(loaded: LoadedActivities, life: Option<u64>) -> Self {
        Self {
            loaded,
            life,
            unstored: BTreeMap::new(),
            pending: BTreeMap::new(),
            record: Position(0),
            asked: Vec::new(),
            awaited: None,
            reruns: Vec::new(),
            bytes: 0,
        }
    }

    /// Those of an entity that does not exist: there are none, and there were none in the life that it would begin.
    pub(super) fn of_no_entity() -> Self {
        Self::ended(None)
    }

    /// Those of an entity that was deleted; `life` is the next one, if an older build has begun it.
    pub(super) fn ended(life: Option<u64>) -> Self {
        Self::with(LoadedActivities::default(), life)
    }

    /// Those of an entity of which the store may have any.
    pub(super) fn unknown() -> Self {
        Self::with(LoadedActivities::partial(), None)
    }

    /// Bytes that those in memory cost.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The cost of those in memory, counted anew and not kept.
    pub(super) fn recounted(&self) -> usize {
        self.loaded.iter().map(|(partner, value)| bytes_of(partner, value)).sum()
    }

    /// The life under way, if it is known, and activities of it that are in memory.
    pub(super) fn of_life(&self) -> Option<(u64, &LoadedActivities)> {
        Some((self.life?, &self.loaded))
    }

    /// Whether all that stands in records up to `durable` is all that there is.
    pub(crate) fn is_durable(&self, durable: Position) -> bool {
        self.pending.is_empty() && self.record <= durable
    }

    fn set(&mut self, partner: PartnerKey, value: Option<Arc<[u8]>>) -> Option<Option<Arc<[u8]>>> {
        self.bytes += bytes_of(&partner, value.as_ref());
        let key = partner.clone();
        let before = self.loaded.set(ActivityChange { partner, value });
        if let Some(before) = &before {
            self.bytes -= bytes_of(&key, before.as_ref());
        }
        before
    }
}

/// Runs.
impl SlotActivities {
    /// Those in memory, for a run. They come back by [`put_back`](Self::put_back).
    pub(crate) fn take(&mut self) -> LoadedActivities {
        std::mem::take(&mut self.loaded)
    }

    pub(crate) fn put_back(&mut self, loaded: LoadedActivities) {
        self.loaded = loaded;
    }

    /// The seed of a message that was stopped, if it is one.
    pub(crate) fn take_rerun(&mut self, fingerprint: u64) -> Option<u64> {
        let at = self.reruns.iter().position(|rerun| rerun.fingerprint == fingerprint)?;
        Some(self.reruns.remove(at).seed)
    }

    /// A message was stopped at an activity, and waits for it. Gives whether the store has to be asked, and for which life.
    pub(super) fn stop(
        &mut self,
        (fingerprint, seed): (u64, u64),
        partner: &PartnerKey,
        now: Timestamp,
    ) -> Option<Option<u64>> {
        if self.reruns.len() >= RERUNS_MAX {
            self.reruns.remove(0);
        }
        self.reruns.push(Rerun { fingerprint, seed });
        self.awaited = Some((partner.clone(), now));
        self.ask(partner)
    }

    /// Asks for an activity. Gives for which life, unless it is in memory or being asked for.
    pub(super) fn ask(&mut self, partner: &PartnerKey) -> Option<Option<u64>> {
        let asked = (self.life, partner.clone());
        if self.loaded.get(partner).is_some() || self.asked.contains(&asked) {
            return None;
        }
        self.asked.push(asked);
        Some(self.life)
    }

    /// Since when a message waits for an activity.
    pub(super) fn awaited_since(&self) -> Option<Timestamp> {
        self.awaited.as_ref().map(|(_, since)| *since)
    }

    /// Whether the store is being asked for anything.
    pub(super) fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Takes over what the store has, as it was asked for; what memory knows is newer. `stored_life` is the life that the store named.
    pub(super) fn place(&mut self, asked: &(Option<u64>, PartnerKey), stored_life: u64, value: Option<&[u8]>) {
        let Some(at) = self.asked.iter().position(|other| other == asked) else { return };
        self.asked.remove(at);
        let (life, partner) = asked;
        if self.awaited.as_ref().is_some_and(|(awaited, _)| awaited == partner) {
            self.awaited = None;
        }
        if *self.life.get_or_insert(stored_life) == life.unwrap_or(stored_life) && self.loaded.get(partner).is_none() {
            self.set(partner.clone(), value.map(Into::into));
        }
    }
}

/// Changes.
impl SlotActivities {
    /// Takes over a change of a run. Gives what was there before.
    pub(super) fn change(&mut self, change: ActivityChange) -> ActivityBefore {
        let ActivityChange { partner, value } = change;
        let life = self.life.expect("P3 broken: an activity was changed of a life that is not known");
        if !(planted::is(Bug::ActivityNotErased) && value.is_none()) {
            let cell = value.as_deref().map(activity::value_of);
            self.pending.insert(ActivitySub::Of(life, partner.clone()), cell);
        }
        let unstored = self.unstored.insert(partner.clone(), u64::MAX);
        let written_bytes = bytes_of(&partner, value.as_ref());
        let before = self.set(partner.clone(), value).flatten();
        ActivityBefore { partner, value: before, unstored, written_bytes }
    }

    /// Takes a change back.
    pub(super) fn undo(&mut self, before: ActivityBefore) {
        let ActivityBefore { partner, value, unstored, written_bytes: _ } = before;
        match unstored {
            Some(generation) => self.unstored.insert(partner.clone(), generation),
            None => self.unstored.remove(&partner),
        };
        self.set(partner, value);
    }

    /// The entity begins to exist, in a life above all that it may have had. Gives what was before.
    pub(super) fn begin_life(&mut self, life: u64) -> LifeBefore {
        if life > 0 {
            self.pending.insert(ActivitySub::Life, Some(activity::value_of_life(life)));
        }
        self.replace_life(Some(life))
    }

    /// The entity was deleted. Gives its life. Of that nothing can be reached any more, but for what is erased here nothing is erased.
    pub(super) fn end_life(&mut self) -> LifeBefore {
        if let Some(life) = self.life {
            let known = self.loaded.iter().filter(|(_, value)| value.is_some()).take(ERASED_WITH_ENTITY_MAX);
            self.pending.extend(known.map(|(partner, _)| (ActivitySub::Of(life, partner.clone()), None)));
        }
        self.pending.insert(ActivitySub::Life, None);
        self.replace_life(None)
    }

    fn replace_life(&mut self, life: Option<u64>) -> LifeBefore {
        self.bytes = 0;
        LifeBefore {
            loaded: std::mem::take(&mut self.loaded),
            life: std::mem::replace(&mut self.life, life),
            unstored: std::mem::take(&mut self.unstored),
        }
    }

    /// Takes the beginning or the end of a life back.
    pub(super) fn undo_life(&mut self, before: LifeBefore) {
        let LifeBefore { loaded, life, unstored } = before;
        (self.loaded, self.life, self.unstored) = (loaded, life, unstored);
        self.bytes = self.recounted();
    }

    /// Takes back what the open batch was to write.
    pub(super) fn drop_pending(&mut self) {
        self.pending.clear();
    }

    /// Cells that the open batch has changed.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&ActivitySub, Option<&Arc<[u8]>>)> {
        self.pending.iter().map(|(sub, value)| (sub, value.as_ref()))
    }

    /// The batch is closed as `record`, and part of `generation`. Gives whether it changed any.
    pub(super) fn note_closed(&mut self, record: Position, generation: u64) -> bool {
        let has_changed = !self.pending.is_empty();
        if has_changed {
            self.record = record;
        }
        for (sub, _) in std::mem::take(&mut self.pending) {
            if let ActivitySub::Of(life, partner) = sub
                && Some(life) == self.life
                && let Some(unstored) = self.unstored.get_mut(&partner)
            {
                *unstored = generation;
            }
        }
        has_changed
    }

    /// Takes over a cell of the log, or its deletion, in `generation`: the store may not have it. The entity exists.
    pub(super) fn restore(&mut self, sub: ActivitySub, value: Option<&[u8]>, life: Option<u64>, generation: u64) {
        let begun = match &sub {
            ActivitySub::Life => life.unwrap_or(0),
            ActivitySub::Of(life, _) => *life,
        };
        if self.life.is_some_and(|life| life > begun) {
            return;
        }
        if self.life.is_none_or(|life| life < begun) {
            // What memory knew was of an earlier life, and so is all that it did not know.
            *self = Self { life: Some(begun), ..Self::unknown() };
        }
        if let ActivitySub::Of(_, partner) = sub {
            self.unstored.insert(partner.clone(), generation);
            self.set(partner, value.map(Into::into));
        }
    }

    /// The generation under way has another number: what has changed in it says so.
    pub(super) fn renumber_generation(&mut self, from: u64, to: u64) {
        for generation in self.unstored.values_mut().filter(|generation| **generation == from) {
            *generation = to;
        }
    }

    /// All stand in durable records.
    pub(super) fn forget_record(&mut self) {
        self.record = Position(0);
    }

    /// Leaves those to the store that it holds as of generation `stored`, unless a message is to run again: it may need them all.
    pub(super) fn evict(&mut self, stored: u64) {
        if !self.reruns.is_empty() || !self.pending.is_empty() || self.awaited.is_some() {
            return;
        }
        let Self { loaded, unstored, .. } = self;
        unstored.retain(|_, generation| *generation > stored);
        loaded.evict(|partner| unstored.contains_key(partner));
        self.bytes = self.recounted();
    }
}

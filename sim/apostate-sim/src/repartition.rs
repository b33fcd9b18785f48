//! Repartitioning: partitions split while everything goes wrong, are handed over in memory or read back by whoever opens them next, and are forgotten.
//!
//! ```text
//!   intent (noted) ─▶ the writer is asked, again and again ─▶ seal durable: the map counts ─▶ handed over, or opened from disk
//!        └▶ withdrawn, by a writer that was opened after the last one that was asked            └▶ both have checkpoints: forgotten
//! ```
//!
//! The intent, who has ended in whom, and the newest map are noted by somebody who never fails: they stand for a log of the map. Everything else is found
//! from what is durable. Writers hear of a new map at any time, or not before they are opened again.
//!
//! Invariants P2, P3.

use std::collections::BTreeMap;
use std::sync::Arc;

use apostate_log::{PartitionId, Position};
use apostate_partition::cell;
use apostate_partition::lineage::Seal;
use apostate_partition::{Config, Input, Map, SplitIntent, SplitRefusal, forget_partition, stored_position};
use apostate_world::{Moment, SECOND};

use crate::check::stored;
use crate::engine::{SharedDisk, WriterId, lock};
use crate::host::{PartitionLog, Writer};
use crate::outside::CheckpointRequest;
use crate::repartitioning::{Ended, Intent, Repartitioning};
use crate::violation::{Check, Violation, ensure};
use crate::world::{Event, World};

/// A new split is intended about this long after the last one.
const INTERVAL_MAX: Moment = 3 * SECOND;

/// With more partitions than this none splits any more.
const PARTITIONS_MAX: usize = 9;

/// The intent.
impl World {
    /// The next step of what is under way, or a new split.
    pub(crate) fn repartition(&mut self) {
        if self.repartitioning.rng.is_none() || self.is_damaged {
            return;
        }
        if self.repartitioning.intent.is_some() {
            self.ask_for_split();
        } else if !self.is_healed && self.map.tiles.len() < PARTITIONS_MAX {
            self.intend_split();
        }
        for id in self.repartitioning.ended.values().flat_map(|ended| ended.children).collect::<Vec<_>>() {
            if self.repartitioning.chance(if self.is_healed { 500 } else { 100 }) {
                self.request_checkpoint(id);
            }
        }
        let busy = self.repartitioning.intent.is_some() || self.is_healed;
        let delay = self.repartitioning.below(if busy { SECOND / 4 } else { INTERVAL_MAX });
        self.agenda.plan_in(1 + delay, Event::Repartition);
    }

    /// Notes that a partition is to split somewhere, and makes the logs of its children.
    fn intend_split(&mut self) {
        let at = self.repartitioning.below(self.map.tiles.len() as u64) as usize;
        let (range, parent) = self.map.tiles[at];
        let Some(at) = self.draw_cut(parent) else { return };
        if at <= range.first || at > range.last {
            return;
        }
        let Repartitioning { last_id, last_version, .. } = &mut self.repartitioning;
        let children = [*last_id + 1, *last_id + 2].map(PartitionId);
        (*last_id, *last_version) = (*last_id + 2, *last_version + 1);
        let map_version = *last_version;
        let tiles = self.map.tiles.iter().flat_map(|(range, id)| {
            let [lower, upper] = children;
            if *id == parent { vec![(range.first, lower), (at, upper)] } else { vec![(range.first, *id)] }
        });
        let map = Map::of(map_version, &tiles.collect::<Vec<_>>()).expect("it is cut inside");
        for child in children {
            self.logs.insert(child, PartitionLog::new(child));
        }
        self.trace
            .note(self.agenda.now(), || format!("-- partition {parent} is to split at {at:016x} into {children:?}"));
        let split = SplitIntent { at, children, map_version };
        self.repartitioning.intent = Some(Intent { parent, split, map: Arc::new(map), asked: Vec::new() });
    }

    /// A place of the ring to cut at: in the middle of nowhere, or just beside an entity.
    fn draw_cut(&mut self, id: PartitionId) -> Option<u64> {
        let shadow = self.shadows.get(id);
        let rng = self.repartitioning.rng.as_mut()?;
        if shadow.cells.is_empty() || rng.chance(200) {
            return Some(shadow.range.first.wrapping_add(rng.below(shadow.range.last - shadow.range.first)));
        }
        let at = rng.index(shadow.cells.len());
        let key = shadow.cells.keys().nth(at)?;
        Some(cell::hash_of(key).wrapping_add(rng.below(2)))
    }

    /// Asks the writer of the partition that is to split; or withdraws the intent, if no seal of it can become durable any more.
    fn ask_for_split(&mut self) {
        let Some(Intent { parent, split, asked, .. }) = &self.repartitioning.intent else { return };
        let (parent, split) = (*parent, *split);
        let Some(current) = self.writers.current(parent) else { return };
        let has_served = self.writers.all.get(&current).is_some_and(|writer| writer.has_served);
        // Its opening record is behind whatever those appended that were asked before.
        let may_withdraw = has_served && !asked.contains(&current);
        if may_withdraw && self.repartitioning.chance(300) {
            return self.withdraw_split();
        }
        if let Some(intent) = self.repartitioning.intent.as_mut().filter(|intent| !intent.asked.contains(&current)) {
            intent.asked.push(current);
        }
        self.give_or_wait(current, Input::Split(split));
    }

    fn withdraw_split(&mut self) {
        let Some(Intent { split, .. }) = self.repartitioning.intent.take() else { return };
        for child in split.children {
            self.logs.remove(&child);
        }
        self.repartitioning.counts.withdrawn += 1;
        self.trace.note(self.agenda.now(), || format!("-- the split into {:?} is withdrawn", split.children));
    }

    /// A partition does not split.
    pub(crate) fn split_refused(&mut self, id: WriterId, refusal: SplitRefusal) -> Check {
        let Some(writer) = self.writers.all.get(&id) else { return Ok(()) };
        let (own, is_old) = (writer.id, writer.is_old);
        match refusal {
            SplitRefusal::NoCheckpoint if !is_old => self.request_checkpoint(own),
            SplitRefusal::NoCheckpoint | SplitRefusal::NotServing | SplitRefusal::UnderWay => {}
            SplitRefusal::EmptyChild | SplitRefusal::NotNewer => {
                return Err(Violation::new("P2", format!("partition {own} does not split: {refusal}")));
            }
        }
        Ok(())
    }
}

/// The seal.
impl World {
    /// The seal of a partition is durable: from now on its children have its range.
    pub(crate) fn sealed(&mut self, parent: PartitionId, seal: &Seal) -> Check {
        let intent = self.repartitioning.intent.take().filter(|intent| intent.parent == parent);
        let Some(Intent { split, map, .. }) = intent else {
            return Err(Violation::new(
                "P2",
                format!("partition {parent} is sealed, and that was withdrawn: {seal:?}"),
            ));
        };
        let named = seal.children.iter().map(|child| (child.range, child.id));
        let tiles = map.tiles.iter().copied().filter(|(_, id)| split.children.contains(id));
        ensure!(named.eq(tiles), "P2", "partition {parent} is sealed otherwise than the map says: {seal:?}");
        let node = self.nodes.iter().position(|node| node.partitions.contains(&parent)).expect("it was somewhere");
        let partitions = &mut self.nodes[node].partitions;
        let at = partitions.iter().position(|id| *id == parent).expect("it was there");
        partitions.splice(at..=at, split.children);
        // An older store knows nothing of it.
        self.nodes[node].older = None;
        self.shadows.split(parent, &map, seal)?;
        for child in split.children {
            self.repartitioning.parents.insert(child, parent);
            let inherited = self.log(parent).store_model.inherited(child, map.range_of(child).expect("it is named"));
            self.log_mut(child).store_model = inherited;
        }
        self.streams.iter_mut().for_each(|stream| stream.divide(parent, &map));
        self.repartitioning.ended.insert(parent, Ended { node, children: split.children });
        self.repartitioning.counts.sealed += 1;
        self.maps.push(Arc::clone(&map));
        self.map = map;
        self.tell_map();
        // Between the seal and what follows it: the children are read back.
        if !self.is_healed && self.repartitioning.chance(250) {
            self.agenda.plan_in(0, Event::Crash { node });
        }
        Ok(())
    }

    /// Makes durable what the engine finds when a partition is opened. False: that was the partition's seal, and its children are opened instead.
    pub(crate) fn finds_durable(&mut self, node: usize, id: PartitionId) -> Result<bool, Violation> {
        let last = lock(self.disk(id)).last();
        self.sync(id, last)?;
        let is_there = self.map.range_of(id).is_some();
        if !is_there {
            self.agenda.plan_in(1, Event::Reopen { node });
        }
        Ok(is_there)
    }

    /// Everybody hears of the new map, sooner or later; some not before they are opened again.
    fn tell_map(&mut self) {
        for writer in self.writers.all.keys().copied().collect::<Vec<_>>() {
            if !self.is_healed && self.repartitioning.chance(100) {
                continue;
            }
            let delay = match self.repartitioning.below(3) {
                0 => 1,
                1 => SECOND / 10,
                _ => 3 * SECOND,
            };
            let delay = self.repartitioning.below(delay);
            self.agenda.plan_in(delay, Event::Topology { writer });
        }
    }

    /// A writer hears of the newest map.
    pub(crate) fn hear_of_map(&mut self, writer: WriterId) {
        let map = Arc::clone(&self.map);
        self.give_or_wait(writer, Input::Topology(map));
    }

    /// The map that a partition is opened with: the newest, or an older one that names it too, of which it hears then.
    pub(crate) fn map_at_opening(&mut self, id: PartitionId, writer: WriterId) -> Arc<Map> {
        if self.repartitioning.chance(800) {
            return Arc::clone(&self.map);
        }
        let older = self.maps.iter().rev().skip(1).take_while(|map| map.range_of(id).is_some());
        let older: Vec<_> = older.cloned().collect();
        let Some(map) = older.get(self.repartitioning.below(older.len() as u64) as usize).cloned() else {
            return Arc::clone(&self.map);
        };
        let delay = self.repartitioning.below(2 * SECOND);
        self.agenda.plan_in(delay, Event::Topology { writer });
        map
    }

    /// The configuration of a partition that knows this map.
    pub(crate) fn config_of(&mut self, id: PartitionId, map: Arc<Map>) -> Config {
        Config {
            id,
            map,
            registry: Arc::clone(&self.registry),
            tuning: self.plan.tuning,
            seed: self.rng.next(),
            suspects: Vec::new(),
        }
    }
}

/// The children.
impl World {
    /// A writer has heard that its seal is durable: what it has in memory goes to its children, unless those were opened meanwhile.
    pub(crate) fn hand_over(&mut self, id: WriterId, seal: &Seal) -> Check {
        let Some(Writer { id: parent, node, running, store, is_old, .. }) = self.writers.remove(id) else {
            return Ok(());
        };
        let children = [seal.children[0].id, seal.children[1].id];
        let is_durable = self.repartitioning.parent(children[0]) == Some(parent);
        ensure!(is_durable, "P1", "partition {parent} is handed over, and its seal is not durable");
        let is_open = |child: &PartitionId| self.writers.current(*child).is_some();
        if !is_old && children.iter().any(is_open) {
            return Ok(());
        }
        let writers = [self.writers.next_id(), self.writers.next_id()];
        let configs = [0, 1].map(|side| self.config_of(children[side], Arc::clone(&self.map)));
        let opened = running.into_children(configs);
        let opened =
            opened.map_err(|error| Violation::new("P3", format!("partition {parent} is not handed over: {error}")))?;
        for ((child, writer), running) in children.into_iter().zip(writers).zip(opened) {
            if !is_old && !self.is_damaged {
                stored::check_opened(self.shadows.get(child), &running.status(), false)?;
            }
            self.begin_writer(writer, Writer { is_old, ..Writer::new(child, node, running, store.clone()) });
        }
        self.repartitioning.heirs.insert(id, (seal.children[1].range.first, writers));
        self.repartitioning.counts.handed_over += 1;
        self.hand_over_requests(id, writers);
        Ok(())
    }

    /// Checkpoints that were requested of a writer are waited for from both that go on for it.
    fn hand_over_requests(&mut self, id: WriterId, writers: [WriterId; 2]) {
        let requests = &mut self.operator.checkpoint_requests;
        let waiting: Vec<_> = requests.keys().filter(|(_, writer)| *writer == id).copied().collect();
        for key in waiting {
            requests.remove(&key);
            for writer in writers {
                requests.insert((key.0, writer), CheckpointRequest { position: Position(1) });
            }
        }
    }

    /// Whether a partition is about to be handed over in memory: its parent's writer has not heard yet that the seal is durable.
    pub(crate) fn is_awaited(&self, id: PartitionId) -> bool {
        self.repartitioning.parent(id).is_some_and(|parent| self.writers.current(parent).is_some())
    }

    /// Logs of partitions that have ended and are not forgotten.
    pub(crate) fn logs_of_ended(&self) -> BTreeMap<PartitionId, SharedDisk> {
        let ended = self.repartitioning.ended.keys();
        ended.map(|id| (*id, Arc::clone(&self.log(*id).disk))).collect()
    }

    /// A store has taken a checkpoint: forgets partitions whose children both have one.
    pub(crate) fn forget_ended(&mut self, node: usize) -> Check {
        let store = &self.nodes[node].store;
        // One that has ended itself had one, or it would not have been sealed.
        let has_own =
            |id: &PartitionId| self.map.range_of(*id).is_none() || stored_position(store, *id).ok().flatten().is_some();
        let here = self.repartitioning.ended.iter().filter(|(_, ended)| ended.node == node);
        let over: Vec<_> = here.filter(|(_, ended)| ended.children.iter().all(has_own)).map(|(id, _)| *id).collect();
        for id in over {
            forget_partition(&self.nodes[node].store, id).map_err(|error| Violation::new("P6", error.to_string()))?;
            self.repartitioning.ended.remove(&id);
            self.shadows.cells.forget(id);
            self.nodes[node].older = None;
            self.repartitioning.counts.forgotten += 1;
            self.trace.note(self.agenda.now(), || format!("-- partition {id} is forgotten"));
        }
        Ok(())
    }
}

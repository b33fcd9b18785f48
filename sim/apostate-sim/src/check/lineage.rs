//! Shadows of partitions that end in others, and of those that go on for them.
//!
//! When a seal is durable, the part of each child is taken out of the parent's shadow: from then on its cells are the child's. The first record of the
//! child has to say what the child was made of, and just those own rows that its part of the parent's has.
//!
//! Invariants P1, P3.

use std::collections::BTreeMap;
use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::cell::{self, PartitionRow};
use apostate_partition::lineage::{Genesis, Seal};
use apostate_partition::{Map, Range};
use bytes::Bytes;

use crate::check::Shadows;
use crate::check::shadow::{Shadow, place_of};
use crate::violation::{Check, Violation, ensure};

/// The part of a map that lies in a range, by the places of its keys.
fn part(cells: &BTreeMap<Bytes, Bytes>, range: Range) -> BTreeMap<Bytes, Bytes> {
    let is_inside = |key: &Bytes| place_of(key).is_some_and(|place| range.contains(place));
    cells.iter().filter(|(key, _)| is_inside(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Shadows {
    /// The seal of a partition is durable.
    pub(crate) fn split(&mut self, parent: PartitionId, map: &Arc<Map>, seal: &Seal) -> Check {
        let ended = self.shadows.remove(&parent).expect("it has not ended before");
        for child in &seal.children {
            self.shadows.insert(child.id, ended.child(child.id, child.range));
        }
        ensure!(
            seal.children.len() == 2 && seal.children[0].range.joined(seal.children[1].range) == Some(ended.range),
            "P2",
            "partition {parent} ends in others than halves of it: {seal:?}"
        );
        self.ended.insert(parent, ended);
        self.cells.split(parent, Arc::clone(map));
        self.map = Arc::clone(map);
        Ok(())
    }
}

impl Shadow {
    /// The shadow of a partition that goes on for this one in a part of its range, before its first record.
    fn child(&self, id: PartitionId, range: Range) -> Self {
        let cells = part(&self.cells, range);
        let count = |section: cell::Section| cells.keys().filter(|key| key[0] == section as u8).count();
        let (inbox, parked) = (count(cell::Section::Inbox), count(cell::Section::Parked));
        let outgoing: BTreeMap<_, _> =
            self.outgoing.iter().filter(|(_, sent)| range.contains(sent.from.hash())).collect();
        let hash_of = |identity| Some((identity, *self.ever_sent.get(&identity)?));
        let fresh = self.fresh.iter().filter(|key| place_of(key).is_some_and(|place| range.contains(place)));
        Self {
            next_number: self.next_number,
            next_timer: self.next_timer,
            openings_before: self.openings(),
            times: self.times,
            rectangles: self.rectangles.clipped(range),
            generations: self.generations.clone(),
            heard: self.heard.clone(),
            produced: self.produced.clone(),
            deleted: self.deleted,
            deleted_before: self.deleted,
            ever_sent: outgoing.keys().filter_map(|identity| hash_of(**identity)).collect(),
            outgoing: outgoing.into_iter().map(|(identity, sent)| (*identity, sent.clone())).collect(),
            inbox,
            parked,
            fresh: fresh.cloned().collect(),
            dismissed: part(&self.dismissed, range),
            parent: Some((self.id, self.position, self.hash)),
            cells,
            ..Self::new(id, range)
        }
    }

    /// The first record of a partition that goes on for another one, whose own rows were applied: it had to be just these.
    pub(crate) fn check_genesis(&self, rows: &BTreeMap<Bytes, Bytes>) -> Check {
        let id = self.id;
        let row = cell::partition_row(id, &PartitionRow::Genesis);
        let genesis =
            rows.get(&row[..]).ok_or_else(|| Violation::new("P3", format!("partition {id} is made of nothing")))?;
        let genesis = Genesis::read(genesis).map_err(|error| Violation::new("P4", error.to_string()))?;
        let made_of: Vec<_> = genesis.parents.iter().map(|parent| (parent.id, parent.position, parent.hash)).collect();
        ensure!(
            genesis.range == self.range && Some(&made_of[..]) == self.parent.as_ref().map(std::slice::from_ref),
            "P3",
            "partition {id} is made of {genesis:?}, and had to be of {:?}",
            self.parent
        );
        let number = |value: &[u8]| value.try_into().ok().map(u64::from_le_bytes);
        let (mut rectangles, mut generations) = (0, 0);
        for (key, value) in rows {
            match cell::read_partition_row(id, key).map_err(|error| Violation::new("P4", error.to_string()))? {
                PartitionRow::Rectangle(origin, area) => {
                    rectangles += 1;
                    let is_known = self
                        .rectangles
                        .iter()
                        .any(|(other, held, reached)| (other, held, Some(reached)) == (&origin, area, number(value)));
                    ensure!(
                        is_known,
                        "P3",
                        "partition {id} has a watermark of {origin:?} for {area:?} that its parent had not"
                    );
                }
                PartitionRow::Generation(range) => {
                    generations += 1;
                    let is_known = self.generations.get(&range) == Some(value);
                    ensure!(is_known, "P3", "partition {id} has a generation of {range:?} that its parent had not");
                }
                PartitionRow::DeletedVersion => {
                    ensure!(
                        number(value) == Some(self.deleted),
                        "P3",
                        "partition {id} has another version of the deleted"
                    );
                }
                _ => {}
            }
        }
        let counts = (self.rectangles.iter().count(), self.generations.len());
        ensure!(
            (rectangles, generations) == counts,
            "P3",
            "partition {id} has {rectangles} watermarks and {generations} generations, its part of its parent's are {counts:?}"
        );
        Ok(())
    }
}

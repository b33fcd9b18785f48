//! The cell shadow: every cell of every partition as one plain map, made of the durable records alone.
//!
//! Whatever a partition has, the store of its node and the records behind it, is the part of this map that belongs to it, to the
//! byte. A cell is bytes here, and belongs to whoever has its hash: so a section that does not exist yet is compared like the others.
//!
//! Invariants P2, P3, P4: every cell lies in the range of its partition; none is lost, none is there twice, and replaying a log gives
//! the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apostate_log::{MemoryStore, PartitionId, Position, Record, Store};
use apostate_partition::cell::{self, PartitionRow, Section};
use apostate_partition::record_body::Body;
use apostate_partition::{CellsInMemory, Map, stored_position};
use bytes::Bytes;

use crate::engine::{Disk, SharedDisk, lock};
use crate::violation::{Check, Violation, ensure};

/// Cells by their keys.
type CellMap = BTreeMap<Bytes, Bytes>;

/// Every cell that the durable records say is there.
#[derive(Debug)]
pub(crate) struct Cells {
    map: Arc<Map>,
    cells: CellMap,
    /// Partitions that have ended, and whose rows may still be in a store.
    ended: BTreeSet<PartitionId>,
}

impl Cells {
    pub(crate) fn new(map: Arc<Map>) -> Self {
        Self { map, cells: CellMap::new(), ended: BTreeSet::new() }
    }

    /// A partition has ended: its cells belong to those that the map names now, and its own rows to nobody.
    pub(crate) fn split(&mut self, ended: PartitionId, map: Arc<Map>) {
        let (from, to) = cell::partition_bounds(ended);
        self.cells.retain(|key, _| !(from[..] <= key[..] && key[..] < to[..]));
        self.ended.insert(ended);
        self.map = map;
    }

    /// Nothing is left of a partition that has ended.
    pub(crate) fn forget(&mut self, ended: PartitionId) {
        self.ended.remove(&ended);
    }

    /// A record of a partition has become durable.
    pub(crate) fn durable(&mut self, id: PartitionId, record: &Bytes) -> Check {
        for (key, value) in changes(record)? {
            ensure!(self.owner(&key) == Some(id), "P2", "partition {id} has a cell that is not its own: {key:?}");
            apply(&mut self.cells, key, value);
        }
        Ok(())
    }

    /// Partition that a cell belongs to; none has the rows of a host.
    fn owner(&self, key: &[u8]) -> Option<PartitionId> {
        let word = |at: usize| Some(u64::from_be_bytes(*key.get(at..)?.first_chunk()?));
        match *key.first()? {
            section if section == Section::Own as u8 => word(1).map(PartitionId),
            section if section == Section::Host as u8 => None,
            _ => word(5).map(|hash| self.map.find(hash)),
        }
    }

    /// The cells of a store, by the partitions that they belong to.
    fn stored(&self, store: &MemoryStore) -> Result<BTreeMap<PartitionId, CellMap>, Violation> {
        let all = store.scan(&[0], &[Section::Host as u8], usize::MAX);
        let mut stored: BTreeMap<_, CellMap> = BTreeMap::new();
        for (key, value) in all.map_err(|error| Violation::new("P6", error.to_string()))? {
            let owner = self.owner(&key);
            let owner = owner.ok_or_else(|| Violation::new("P2", format!("the cell {key:?} belongs to nobody")))?;
            stored.entry(owner).or_default().insert(key, value);
        }
        Ok(stored)
    }

    /// Whether a store alone holds the cells of a partition, and those just as they are.
    pub(crate) fn check_store(&self, id: PartitionId, store: &MemoryStore) -> Check {
        let found = self.stored(store)?.remove(&id).unwrap_or_default();
        self.compare(id, found)
    }

    /// Whether these partitions, which are at one node, would read what they have to if they were opened now: from its store, and from
    /// the records behind it; with the log of the partition that each goes on for, if that is not forgotten.
    pub(crate) fn check_node<'a>(
        &self,
        store: &MemoryStore,
        partitions: impl IntoIterator<Item = (PartitionId, &'a SharedDisk, Option<(PartitionId, &'a SharedDisk)>)>,
    ) -> Check {
        let mut stored = self.stored(store)?;
        let position = |id| stored_position(store, id).map_err(|error| Violation::new("P6", error.to_string()));
        for (id, disk, parent) in partitions {
            let mut found = stored.remove(&id).unwrap_or_default();
            let own = position(id)?;
            if let Some((parent, parents_disk)) = parent.filter(|_| own.is_none()) {
                let mut left = CellMap::new();
                std::mem::swap(&mut left, &mut found);
                apply_log(&mut left, &lock(parents_disk), position(parent)?.unwrap_or(Position(0)))?;
                found.extend(left.into_iter().filter(|(key, _)| self.owner(key) == Some(id)));
            }
            apply_log(&mut found, &lock(disk), own.unwrap_or(Position(0)))?;
            self.compare(id, found)?;
        }
        let stray = stored.keys().find(|id| !self.ended.contains(id));
        ensure!(stray.is_none(), "P3", "a store has cells of partition {stray:?}, which is elsewhere");
        Ok(())
    }

    /// Whether what a partition has in memory is what the records say: all of it for the sections that memory has whole, and of the others
    /// what it has. A client key that is forgotten may come back from a load that was under way then: it is too old, and is forgotten once more.
    pub(crate) fn check_memory(&self, id: PartitionId, memory: &CellsInMemory) -> Check {
        for (key, value) in &memory.there {
            let record = self.cells.get(&key[..]);
            let is_forgotten = record.is_none() && key.first() == Some(&(Section::ClientKeys as u8));
            let is_same = record.is_some_and(|record| value.as_ref().is_none_or(|value| record[..] == value[..]));
            ensure!(
                is_same || is_forgotten,
                "P4",
                "partition {id}: memory has {value:?} at {key:?}, the records say {record:?}"
            );
        }
        let undead = memory.absent.iter().find(|key| self.cells.contains_key(&key[..]));
        ensure!(undead.is_none(), "P4", "partition {id}: memory says that there is no cell {undead:?}");
        let messages = [Section::Inbox, Section::Outgoing, Section::Parked];
        let open_work = [Section::Timers, Section::Asks, Section::Agreements, Section::Operations];
        let whole = [&messages[..], &open_work].concat();
        let is_whole = |key: &&Bytes| whole.iter().any(|section| key.first() == Some(&(*section as u8)));
        let own = self.cells.keys().filter(|key| self.owner(key) == Some(id)).filter(is_whole);
        let missing = own.clone().find(|key| !memory.there.contains_key(&key[..]));
        ensure!(missing.is_none(), "P4", "partition {id}: memory does not have the cell {missing:?}");
        Ok(())
    }

    /// Whether `found` is what a partition has to have. Its counters are in no record.
    fn compare(&self, id: PartitionId, mut found: CellMap) -> Check {
        found.remove(&cell::partition_row(id, &PartitionRow::Counters)[..]);
        for (key, value) in self.cells.iter().filter(|(key, _)| self.owner(key) == Some(id)) {
            let other = found.remove(key);
            ensure!(
                other.as_ref() == Some(value),
                "P4",
                "partition {id}: store and log have {other:?} at {key:?}, the records say {value:?}"
            );
        }
        let extra = found.first_key_value();
        ensure!(extra.is_none(), "P4", "partition {id}: store and log have a cell that is not there: {extra:?}");
        Ok(())
    }
}

/// The changes that a record makes, in their order.
fn changes(record: &Bytes) -> Result<Vec<(Bytes, Option<Bytes>)>, Violation> {
    let unread = |error: String| Violation::new("P4", error);
    let body = Record::read(record).map_err(|error| unread(error.to_string()))?.body;
    let cells = Body::read(body).map_err(|error| unread(error.to_string()))?.cells();
    let own =
        |(key, value): (&[u8], Option<&[u8]>)| (record.slice_ref(key), value.map(|value| record.slice_ref(value)));
    cells.map(|cell| cell.map(own).map_err(|error| unread(error.to_string()))).collect()
}

fn apply(cells: &mut CellMap, key: Bytes, value: Option<Bytes>) {
    match value {
        Some(value) => cells.insert(key, value),
        None => cells.remove(&key),
    };
}

/// Applies the durable records behind `stored`.
fn apply_log(cells: &mut CellMap, disk: &Disk, stored: Position) -> Check {
    let mut position = stored;
    while position < disk.synced() {
        position = position.next();
        let record = disk.record(position);
        let record =
            record.ok_or_else(|| Violation::new("P6", format!("record {position} is in no log and no store")))?;
        changes(&record)?.into_iter().for_each(|(key, value)| apply(cells, key, value));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use apostate_log::{Epoch, RecordHeader};
    use apostate_partition::record_body::{RecordBuilder, RecordKind};

    use super::*;

    const ONE: PartitionId = PartitionId(1);

    /// A cell of a section that this build does not know, in partition 1 of two.
    const KEY: &[u8] = b"\x4d\0\0\0\x01\0\0\0\0\0\0\0\x01tea\0\0";

    fn record(cells: &[(&[u8], Option<&[u8]>)]) -> Bytes {
        let mut builder = RecordBuilder::default();
        for (key, value) in cells {
            match value {
                Some(value) => builder.put_key(key, value),
                None => builder.delete_key(key),
            }
        }
        let header = RecordHeader { partition: ONE, epoch: Epoch(1), position: Position(1), previous: 0, time: 1 };
        builder.seal(&header, RecordKind::Batch, 1, 1).0.into()
    }

    fn shadow_of(cells: &[(&[u8], Option<&[u8]>)]) -> Cells {
        let mut shadow = Cells::new(Arc::new(Map::first(2)));
        shadow.durable(ONE, &record(cells)).expect("they are its own");
        shadow
    }

    fn held(cells: &[(&'static [u8], &'static [u8])]) -> CellMap {
        cells.iter().map(|(key, value)| (Bytes::from_static(key), Bytes::from_static(value))).collect()
    }

    #[test]
    fn a_cell_that_is_lost_changed_or_too_many_is_found_in_whatever_section_it_is() {
        let shadow = shadow_of(&[(KEY, Some(b"one")), (KEY, Some(b"two"))]);
        assert!(shadow.compare(ONE, held(&[(KEY, b"two")])).is_ok());
        for found in
            [held(&[]), held(&[(KEY, b"one")]), held(&[(KEY, b"two"), (b"\x4d\0\0\0\x01\0\0\0\0\0\0\0\x02", b"")])]
        {
            assert!(shadow.compare(ONE, found.clone()).is_err(), "{found:?}");
        }
        assert!(shadow_of(&[(KEY, Some(b"one")), (KEY, None)]).compare(ONE, held(&[])).is_ok());
    }

    #[test]
    fn a_cell_of_another_range_is_found() {
        let mut shadow = Cells::new(Arc::new(Map::first(2)));
        let theirs = b"\x4d\0\0\0\x01\xff\0\0\0\0\0\0\x01tea\0\0";
        assert!(shadow.durable(ONE, &record(&[(theirs, Some(b"one"))])).is_err());
        let row = cell::partition_row(PartitionId(2), &PartitionRow::ForgottenKeys);
        assert!(shadow.durable(ONE, &record(&[(&row, Some(b"one"))])).is_err());
    }

    #[test]
    fn a_partition_has_its_store_and_the_records_behind_it() {
        let disk = Disk::of(ONE, &[record(&[(KEY, Some(b"one"))]), record(&[(KEY, None)])]);
        let mut found = held(&[(KEY, b"as of record 1")]);
        apply_log(&mut found, &disk, Position(1)).expect("the log has it");
        assert_eq!(found, held(&[]));
    }
}

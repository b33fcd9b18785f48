//! The key of a row of a partition's own.

use apostate_core::EntityKey;
use apostate_log::PartitionId;
use apostate_partition::Range;
use apostate_partition::cell::{self, PartitionRow};
use apostate_partition::rectangles::{Area, Origin};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "own-row", made, amend: |_| {}, check, memory_bytes: 64 << 10 };

const PARTITION: PartitionId = PartitionId(9);

fn made() -> Vec<Vec<u8>> {
    let area = Area { source: Range::new(1, 2), target: Range::WHOLE };
    let name = EntityKey::new("replay").expect("a key");
    let producer = Origin::Producer(name.clone());
    let rows = [
        PartitionRow::Counters,
        PartitionRow::ForgottenKeys,
        PartitionRow::ForgottenProducers,
        PartitionRow::Heard(name),
        PartitionRow::Rectangle(Origin::Partition(PartitionId(4)), area),
        PartitionRow::Rectangle(producer, area),
        PartitionRow::Generation(Range::WHOLE),
        PartitionRow::Seal,
        PartitionRow::Genesis,
    ];
    rows.iter().map(|row| cell::partition_row(PARTITION, row)).collect()
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(row) = cell::read_partition_row(PARTITION, bytes) else { return Verdict::Refused };
    assert_eq!(cell::partition_row(PARTITION, &row), bytes, "a row's key is written one way");
    let (from, to) = cell::partition_bounds(PARTITION);
    assert!(from.as_slice() <= bytes && bytes < to.as_slice(), "a row lies among those of its partition");
    Verdict::Read
}

//! Keys read back, and those of a newer build are called so.

use super::*;

fn address(kind: &str, key: &str) -> Address {
    Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"))
}

#[test]
fn a_key_reads_back() {
    for name in ["a", "a/b", "nul \0 inside", "\0\0", "ends with nul\0"] {
        let address = address("stock", name);
        let key = key(Section::Inbox, &address, &[0, 0, 7]);
        let cell = read_key(&key).expect("an entity's cell");
        assert_eq!((cell.section, &cell.address, cell.sub), (Section::Inbox, &address, &[0, 0, 7][..]));
        let (from, to) = entity_bounds(Section::Inbox, &address);
        assert!(from <= key && key < to);
    }
}

#[test]
fn a_section_and_a_row_of_a_newer_build_are_called_so() {
    let mut state = key(Section::State, &address("stock", "tea"), &[]);
    state[0] = 99;
    assert_eq!(read_key(&state), Err(DecodeError::newer(Format::Section, 99)));
    let mut row = partition_row(PartitionId(9), &PartitionRow::Counters);
    row[9] = b'z';
    assert_eq!(read_partition_row(PartitionId(9), &row), Err(DecodeError::newer(Format::PartitionRow, b'z')));
}

#[test]
fn an_own_row_reads_back() {
    let area = Area { source: Range::new(1, 2), target: Range::WHOLE };
    let name = EntityKey::new("replay").expect("a key");
    for row in [
        PartitionRow::Counters,
        PartitionRow::DeletedVersion,
        PartitionRow::ForgottenKeys,
        PartitionRow::ForgottenProducers,
        PartitionRow::Heard(name.clone()),
        PartitionRow::Opening,
        PartitionRow::Seal,
        PartitionRow::Genesis,
        PartitionRow::Rectangle(Origin::Partition(PartitionId(4)), area),
        PartitionRow::Rectangle(Origin::Producer(name), area),
        PartitionRow::Generation(Range::WHOLE),
    ] {
        let key = partition_row(PartitionId(9), &row);
        assert_eq!(read_partition_row(PartitionId(9), &key), Ok(row));
        assert_eq!(read_partition_row(PartitionId(8), &key), Err(Damaged));
        let (from, to) = partition_bounds(PartitionId(9));
        assert!(from <= key && key < to);
    }
}

#[test]
fn bounds_hold_a_kinds_cells_in_a_range_and_no_others() {
    let tea = address("stock", "tea");
    let key = key(Section::State, &tea, &[]);
    let within = |range: Range, kind: KindId| {
        let (from, to) = bounds(Section::State, kind, range);
        from <= key && key < to
    };
    assert!(within(Range::WHOLE, tea.kind()));
    assert!(within(Range::new(tea.hash(), tea.hash()), tea.kind()));
    assert!(!within(Range::new(0, tea.hash() - 1), tea.kind()));
    assert!(!within(Range::new(tea.hash() + 1, u64::MAX), tea.kind()));
    assert!(!within(Range::WHOLE, KindId(u32::MAX)));
}

//! A group of a segment: a header, and a table of what follows.

use apostate_log::files::format::{
    ALIGN, ENTRY_BYTES, Entry, GROUP_HEADER_BYTES, Group, GroupHeader, Location, encode_group, record_hash,
};
use apostate_log::{PartitionId, Position};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "group", made, amend, check, memory_bytes: 64 << 10 };

const SEED: u64 = 0xFEED;
const AT: Location = Location { segment: 7, offset: 0 };
const HASH_AT: usize = 56;

fn made() -> Vec<Vec<u8>> {
    let (partition, position) = (PartitionId(3), Position(9));
    let record = Entry::Record { partition, position, length: 5, hash: record_hash(b"bytes") };
    let roll = Entry::Roll { partition, last: position };
    let header = GroupHeader { at: AT, sequence: 12, synced: Location { segment: 6, offset: ALIGN } };
    let group = |entries: &[Entry]| {
        let mut bytes = Vec::new();
        encode_group(&header, SEED, entries, &mut bytes);
        bytes
    };
    vec![group(&[]), group(&[roll]), [&group(&[roll, record, record])[..], b"bytesbytes"].concat()]
}

fn amend(bytes: &mut [u8]) {
    let Some(count) = bytes.get(4..8).and_then(|count| count.try_into().ok()).map(u32::from_le_bytes) else { return };
    let length = (count as usize).saturating_mul(ENTRY_BYTES).saturating_add(GROUP_HEADER_BYTES);
    if let Some(table) = bytes.get_mut(..length) {
        let (header, entries) = table.split_at_mut(GROUP_HEADER_BYTES);
        let hash = xxh3_64_with_seed(entries, xxh3_64_with_seed(&header[..HASH_AT], SEED));
        header[HASH_AT..].copy_from_slice(&hash.to_le_bytes());
    }
}

fn check(bytes: &[u8]) -> Verdict {
    let Some(group) = Group::decode(bytes, SEED, AT) else { return Verdict::Refused };
    assert!(group.end() > AT.offset && group.end().is_multiple_of(ALIGN), "the next group is further on");
    let mut again = Vec::new();
    encode_group(&group.header, SEED, &group.entries, &mut again);
    let read = Group::decode(&again, SEED, AT).expect("what was written");
    assert_eq!((read.header, read.entries), (group.header, group.entries), "a group reads back");
    Verdict::Read
}

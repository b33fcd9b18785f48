//! The key of an entity's cell.

use apostate_core::{Address, EntityKey, KindId, ring_hash};
use apostate_log::PartitionId;
use apostate_partition::cell::{self, EntityCell, Section};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "cell", made, amend, check, memory_bytes: 64 << 10 };

const KEY_AT: usize = 13;

fn made() -> Vec<Vec<u8>> {
    let address = |key: &str| Address::new(KindId::of("stock"), EntityKey::new(key).expect("a key"));
    vec![
        cell::key(Section::State, &address("tea"), &[]),
        cell::key(Section::ClientKeys, &address("BANK CHARGES"), b"once"),
        cell::key(Section::Inbox, &address("nul \0 inside\0"), &7_u64.to_be_bytes()),
        cell::key(Section::Outgoing, &address(&"long".repeat(64)), &cell::outgoing_sub(PartitionId(3), 9)),
    ]
}

/// Puts the entity's place on the ring right.
fn amend(bytes: &mut [u8]) {
    let Some((prefix, rest)) = bytes.split_at_checked(KEY_AT) else { return };
    let kind = KindId(u32::from_be_bytes(std::array::from_fn(|at| prefix[1 + at])));
    let mut key = Vec::new();
    let mut rest = rest.iter();
    while let Some(&byte) = rest.next() {
        if byte == 0 && rest.next() != Some(&1) {
            break;
        }
        key.push(byte);
    }
    if let Ok(key) = EntityKey::from_bytes(&key) {
        bytes[5..KEY_AT].copy_from_slice(&ring_hash(kind, &key).to_be_bytes());
    }
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(EntityCell { section, address, sub }) = cell::read_key(bytes) else { return Verdict::Refused };
    assert_eq!(cell::section_of(bytes), Ok(section));
    assert_eq!(cell::key(section, &address, sub), bytes, "a key is written one way");
    assert_eq!(address.hash(), ring_hash(address.kind(), address.key()), "an entity has one place on the ring");
    let (from, to) = cell::entity_bounds(section, &address);
    assert!(from.as_slice() <= bytes && bytes < to.as_slice(), "a cell lies among those of its entity");
    Verdict::Read
}

//! A record and its body: a header, and the cells that a commit puts and deletes.

use apostate_core::{Address, EntityKey, KindId};
use apostate_log::{Epoch, PartitionId, Position, RECORD_HEADER_BYTES, Record, RecordHeader};
use apostate_partition::cell::Section;
use apostate_partition::record_body::{Body, RecordBuilder, RecordKind};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "record", made, amend, check, memory_bytes: 64 << 10 };

fn made() -> Vec<Vec<u8>> {
    let header = RecordHeader {
        partition: PartitionId(3),
        epoch: Epoch(2),
        position: Position(9),
        previous: 0xFEED,
        time: 1_700_000_000_000,
    };
    let tea = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
    let mut builder = RecordBuilder::default();
    let (opening, _) = builder.seal(&header, RecordKind::Opening, 1, 1);
    builder.put(Section::State, &tea, &[], b"state");
    builder.delete(Section::Inbox, &tea, &7_u64.to_be_bytes());
    builder.put_key(b"row", b"");
    let (batch, _) = builder.seal(&header, RecordKind::Batch, 1, 2);
    vec![opening, batch]
}

/// Seals it again, as a record of all the bytes there are.
fn amend(bytes: &mut [u8]) {
    if bytes.len() < RECORD_HEADER_BYTES {
        return;
    }
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    let header = RecordHeader {
        partition: PartitionId(word(8)),
        epoch: Epoch(word(16)),
        position: Position(word(24)),
        previous: word(32),
        time: word(40),
    };
    header.seal(bytes);
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(record) = Record::read(bytes) else { return Verdict::Refused };
    let Ok(body) = Body::read(record.body) else { return Verdict::Refused };
    let Ok(cells) = body.cells().collect::<Result<Vec<_>, _>>() else { return Verdict::Refused };
    let mut builder = RecordBuilder::default();
    for (key, value) in cells {
        match value {
            Some(value) => builder.put_key(key, value),
            None => builder.delete_key(key),
        }
    }
    let (again, hash) = builder.seal(&record.header, body.kind, body.map_version, body.next_number);
    assert_eq!(again, bytes[..record.length()], "a record is written one way");
    assert_eq!(hash, record.hash);
    Verdict::Read
}

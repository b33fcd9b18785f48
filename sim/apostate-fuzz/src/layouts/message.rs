//! A message between entities.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused, ring_hash};
use apostate_log::PartitionId;
use apostate_partition::{Identity, Message, Role, SpanId, TraceContext, TraceId};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "message", made, amend, check, memory_bytes: 64 << 10 };

const HEADER_BYTES: usize = 57;
const HAS_ABOUT: u8 = 0x80;
const TRACE_BYTES: usize = 24;
const TRACED: u8 = 8;

/// Messages of every shape, with their identities.
pub(super) fn messages() -> Vec<(Message, Option<Identity>)> {
    let address = |kind, key: &str| Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"));
    let message = |from, on_refused, body: &[u8]| Message {
        to: address("stock", "BANK CHARGES"),
        from,
        handler: HandlerId::of("receive"),
        role: Role::Plain,
        about: None,
        on_refused,
        body: body.into(),
        trace: None,
    };
    let order = || Some(address("order", "a/b"));
    let tell = OnRefused::Tell { handler: HandlerId::of("told") };
    let trace = TraceContext { trace: TraceId::from_bytes([7; 16]).expect("not all zero"), span: SpanId::new(9) };
    let traced = |message| Message { trace: Some(Box::new(trace)), ..message };
    let about = |message| Message { about: NonZeroU64::new(7), ..message };
    let number = |number| Some(Identity { origin: PartitionId(3), number });
    let in_role = |role, on_refused, body: &[u8]| about(Message { role, ..message(order(), on_refused, body) });
    // Their bodies begin as `aware/apostate-partition/src/bodies.rs` says.
    let tried = [&[1][..], &9_u64.to_le_bytes(), b"\x80"].concat();
    let confirmed = [&7_u64.to_le_bytes()[..], &2_u32.to_le_bytes(), b"\x05"].concat();
    let lapsed = [&KindId::of("order").0.to_le_bytes()[..], b"a/b"].concat();
    vec![
        (in_role(Role::Try, OnRefused::Never, &tried), number(6)),
        (in_role(Role::Accepted, OnRefused::Never, b"\x05"), number(7)),
        (in_role(Role::Refused, OnRefused::Never, b"\x80"), number(8)),
        (in_role(Role::Confirm, tell, &confirmed), number(9)),
        (in_role(Role::Confirm, OnRefused::Never, b""), number(10)),
        (in_role(Role::Cancel, OnRefused::Never, b""), number(11)),
        (in_role(Role::Lapse, OnRefused::Never, &lapsed), None),
        (in_role(Role::Deadline, OnRefused::Never, b""), None),
        (message(None, OnRefused::Never, b"\x81\xa5units\x05"), None),
        (message(order(), OnRefused::Ignore, b""), number(1)),
        (message(order(), tell, b"\x80"), number(2)),
        (traced(message(order(), tell, b"\x80")), number(3)),
        (traced(message(None, OnRefused::Never, b"")), None),
        (about(message(order(), OnRefused::Never, b"\x80")), number(4)),
        (about(traced(message(order(), tell, b"\x80"))), number(5)),
        (message(Some(address("order", &"long".repeat(60))), OnRefused::Never, b"\x80"), number(u64::MAX)),
    ]
}

fn made() -> Vec<Vec<u8>> {
    let write = |(message, identity): &(Message, Option<Identity>)| {
        let mut bytes = Vec::new();
        message.write(*identity, &mut bytes);
        bytes
    };
    messages().iter().map(write).collect()
}

/// Puts both entities' places on the ring right.
pub(super) fn amend(bytes: &mut [u8]) {
    let Some((header, rest)) = bytes.split_at_mut_checked(HEADER_BYTES) else { return };
    let about_bytes = rest.first().map_or(0, |role| if role & HAS_ABOUT == 0 { 0 } else { 8 });
    let role_bytes = if header[0] >> 4 == 0 { 0 } else { 1 + about_bytes };
    let trace_bytes = if header[0] & TRACED == 0 { 0 } else { TRACE_BYTES };
    let Some(rest) = rest.get(role_bytes + trace_bytes..) else { return };
    let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let (to_length, from_length) = (length(1), length(3));
    let mut place = |kind_at: usize, hash_at: usize, key: Option<&[u8]>| {
        let kind = KindId(u32::from_le_bytes(std::array::from_fn(|at| header[kind_at + at])));
        if let Some(Ok(key)) = key.map(EntityKey::from_bytes) {
            header[hash_at..hash_at + 8].copy_from_slice(&ring_hash(kind, &key).to_le_bytes());
        }
    };
    place(9, 41, rest.get(..to_length));
    place(13, 49, rest.get(to_length..to_length + from_length));
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok((message, identity, rest)) = Message::read(bytes) else { return Verdict::Refused };
    let mut again = Vec::new();
    message.write(Some(identity), &mut again);
    // Those of the first layout have no role, and are not written any more.
    if bytes[0] >> 4 > 0 {
        assert_eq!(again, bytes[..bytes.len() - rest.len()], "a message is written one way");
    }
    assert_eq!(again.len(), message.length());
    assert_eq!(Message::read(&again), Ok((message.clone(), identity, &[][..])), "a message reads back");
    for address in std::iter::once(&message.to).chain(&message.from) {
        assert_eq!(address.hash(), ring_hash(address.kind(), address.key()), "an entity has one place on the ring");
    }
    Verdict::Read
}

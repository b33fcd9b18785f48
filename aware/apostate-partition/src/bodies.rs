//! Bodies of the messages of agreements: what the platform puts before the author's own bytes, or instead of them.
//!
//! ```text
//!   try       ├ flags (1) ┼ deadline (8) ┼ arguments … ┤          accepted   ├ offer … ┤
//!   confirm   ├ agreement (8) ┼ leg (4) ┼ value … ┤                 refused    ├ refusal … ┤
//!   lapse     ├ proposer's kind (4) ┼ key … ┤                     cancel, deadline: none
//! ```
//!
//! A confirm names its leg only if somebody is told when that has lapsed. Integers are little-endian. A deadline that is not known has all bits set.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/message.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, KindId, OnRefused, Timestamp};

use crate::role::Role;

/// Bytes before the arguments of a try.
const TRY_HEAD_BYTES: usize = 9;

/// In the flags of a try: the proposer can be told that the operation has lapsed.
const CAN_LAPSE: u8 = 1;

/// Head of a try: the platform's own words to the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TryHead {
    /// When the agreement expires.
    pub(crate) deadline: Option<Timestamp>,
    /// Whether the operation may end by itself: its proposer can be told.
    pub(crate) can_lapse: bool,
}

impl TryHead {
    pub(crate) fn write(self) -> [u8; TRY_HEAD_BYTES] {
        let Self { deadline, can_lapse } = self;
        let mut head = [if can_lapse { CAN_LAPSE } else { 0 }; TRY_HEAD_BYTES];
        head[1..].copy_from_slice(&deadline.map_or(u64::MAX, |deadline| deadline.0).to_le_bytes());
        head
    }

    /// Splits the body of a try into its head and its arguments.
    ///
    /// # Panics
    ///
    /// When it is too short: such a message is not read.
    pub(crate) fn split(body: &[u8]) -> (Self, &[u8]) {
        let (head, arguments) = body.split_first_chunk::<TRY_HEAD_BYTES>().expect("P6 broken: a try without a head");
        let [flags, deadline @ ..] = *head;
        let deadline = u64::from_le_bytes(deadline);
        let deadline = (deadline != u64::MAX).then_some(Timestamp(deadline));
        (Self { deadline, can_lapse: flags & CAN_LAPSE != 0 }, arguments)
    }
}

/// The leg that a confirm is for, as the proposer's author knows it: told if the operation has lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConfirmedLeg {
    /// The id of the agreement.
    pub(crate) agreement: NonZeroU64,
    /// The leg's place among those of its agreement.
    pub(crate) leg: u32,
}

/// Body of a confirm: the leg, if somebody is to be told of it, and the value that the confirm has.
pub(crate) fn confirm(told: Option<ConfirmedLeg>, value: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(ConfirmedLeg { agreement, leg }) = told {
        body.extend_from_slice(&agreement.get().to_le_bytes());
        body.extend_from_slice(&leg.to_le_bytes());
    }
    body.extend_from_slice(value.unwrap_or(&[]));
    body
}

/// Reads the body of a confirm.
pub(crate) fn read_confirm(on_refused: OnRefused, body: &[u8]) -> (Option<ConfirmedLeg>, Option<&[u8]>) {
    let (told, value) = match on_refused {
        OnRefused::Tell { .. } => split_leg(body).map_or((None, body), |(leg, value)| (Some(leg), value)),
        OnRefused::Never | OnRefused::Ignore => (None, body),
    };
    (told, (!value.is_empty()).then_some(value))
}

fn split_leg(body: &[u8]) -> Option<(ConfirmedLeg, &[u8])> {
    let (agreement, rest) = body.split_first_chunk()?;
    let (leg, value) = rest.split_first_chunk()?;
    let agreement = NonZeroU64::new(u64::from_le_bytes(*agreement))?;
    Some((ConfirmedLeg { agreement, leg: u32::from_le_bytes(*leg) }, value))
}

/// Body of a lapse: the proposer of the operation.
pub(crate) fn lapse(proposer: &Address) -> Vec<u8> {
    [&proposer.kind().0.to_le_bytes()[..], proposer.key().as_bytes()].concat()
}

/// Reads the body of a lapse.
pub(crate) fn read_lapse(body: &[u8]) -> Option<Address> {
    let (kind, key) = body.split_first_chunk()?;
    Some(Address::new(KindId(u32::from_le_bytes(*kind)), EntityKey::from_bytes(key).ok()?))
}

/// Whether a body has what the role needs.
pub(crate) fn is_whole(role: Role, on_refused: OnRefused, body: &[u8]) -> bool {
    match role {
        Role::Plain | Role::Ask | Role::Reply | Role::Timer | Role::Accepted | Role::Refused => true,
        Role::Try => body.len() >= TRY_HEAD_BYTES && body[0] & !CAN_LAPSE == 0,
        Role::Confirm => !matches!(on_refused, OnRefused::Tell { .. }) || split_leg(body).is_some(),
        Role::Lapse => read_lapse(body).is_some(),
        Role::Cancel | Role::Deadline | Role::Overdue => body.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::HandlerId;

    use super::*;

    #[test]
    fn bodies_read_back() {
        let tell = OnRefused::Tell { handler: HandlerId(1) };
        for head in
            [TryHead { deadline: None, can_lapse: true }, TryHead { deadline: Some(Timestamp(7)), can_lapse: false }]
        {
            let body = [&head.write(), &b"\x80"[..]].concat();
            assert_eq!(TryHead::split(&body), (head, &b"\x80"[..]));
            assert!(is_whole(Role::Try, OnRefused::Never, &body));
        }
        let leg = ConfirmedLeg { agreement: NonZeroU64::MIN, leg: 7 };
        for value in [None, Some(&b"\x05"[..])] {
            assert_eq!(read_confirm(tell, &confirm(Some(leg), value)), (Some(leg), value));
            assert_eq!(read_confirm(OnRefused::Never, &confirm(None, value)), (None, value));
        }
        let order = Address::new(KindId::of("order"), EntityKey::new("1").expect("a key"));
        assert_eq!(read_lapse(&lapse(&order)), Some(order));
        let none: &[u8] = &[0; 8];
        let bad = [(Role::Try, none), (Role::Lapse, &none[..4]), (Role::Confirm, none), (Role::Cancel, none)];
        assert!(bad.iter().all(|(role, body)| !is_whole(*role, tell, body)));
    }
}

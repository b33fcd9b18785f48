//! A message between entities, and its one layout: in a frame, in an inbox cell and in an outgoing cell alike.
//!
//! ```text
//!   0      1        3          5         9         13          17       21      25
//!   ├flags ┼ to len ┼ from len ┼ handler ┼ to kind ┼ from kind ┼ told   ┼ body len┤
//!   ├─ origin ─┼─ number ─┼─ to hash ─┼─ from hash ─┼ role ┼ to key … from key … body … ┤
//!   25         33         41          49            57     58
//! ```
//!
//! The high half of `flags` is the number of the layout: 1; layout 0, of which there may be messages in old data, has no role and ends its header
//! at 57. The high bit of `role` says that 8 bytes follow it, `about`: the number of what the message is about. A message that is part of a
//! trace has 16 bytes of trace and 8 of span before its keys, and a flag that says so. Integers
//! are little-endian, but for the ids of traces, which are bytes. A message has an identity that never changes, *(origin, number)*, once it is on its
//! way to another partition; (0, 0) stands for none.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/message.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused};
use apostate_log::PartitionId;

use crate::bodies;
use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format, layout_of};
use crate::trace::{SpanId, TraceContext, TraceId};

pub use crate::role::Role;

/// The handler of a message that the platform takes by itself: the answer to a try. It waits for no build.
pub(crate) const NO_HANDLER: HandlerId = HandlerId(0);

/// A message from one entity to another, or accepted from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiver.
    pub to: Address,
    /// The sender; none for a message from outside.
    pub from: Option<Address>,
    /// The handler that will run.
    pub handler: HandlerId,
    /// The part that it plays between its sender and its receiver.
    pub role: Role,
    /// The number of what it is about, which its role gives a meaning.
    pub about: Option<NonZeroU64>,
    /// The meaning of its refusal to the sender.
    pub on_refused: OnRefused,
    /// The handler's arguments, encoded.
    pub body: Box<[u8]>,
    /// The place in a trace, if it is followed.
    pub trace: Option<Box<TraceContext>>,
}

const _: () = assert!(size_of::<Message>() <= 128, "up to here a message is moved without a call");

/// Identity of a message, wherever it is: the partition that it was sent in, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The partition in which it was sent.
    pub origin: PartitionId,
    /// The number there; numbers rise in commit order.
    pub number: u64,
}

/// The layout that this build writes, and the newest that it reads.
const LAYOUT: u8 = 1;

/// Bytes before the role.
const HEADER_BYTES: usize = 57;
const ROLE_BYTES: usize = 1;
const ABOUT_BYTES: usize = 8;
const TRACE_BYTES: usize = 24;
const HAS_SENDER: u8 = 1;
const IGNORE: u8 = 2;
const TELL: u8 = 4;
const TRACED: u8 = 8;

/// In the byte of the role.
const HAS_ABOUT: u8 = 0x80;

impl Message {
    /// A message that the platform sends by itself, with nothing in it yet.
    pub(crate) fn between(
        from: &Address,
        to: &Address,
        handler: HandlerId,
        role: Role,
        about: Option<NonZeroU64>,
    ) -> Self {
        Self {
            to: to.clone(),
            from: Some(from.clone()),
            handler,
            role,
            about,
            on_refused: OnRefused::Never,
            body: Box::default(),
            trace: None,
        }
    }

    /// The operation that it ends, if it ends one: the proposer, and the number of the try.
    #[must_use]
    pub fn ends(&self) -> Option<(Address, NonZeroU64)> {
        let proposer = match self.role {
            Role::Confirm | Role::Cancel => self.from.clone(),
            Role::Lapse => bodies::read_lapse(&self.body),
            _ => None,
        };
        proposer.zip(self.about)
    }

    /// Bytes of its layout.
    #[must_use]
    pub fn length(&self) -> usize {
        let from = self.from.as_ref().map_or(0, |from| from.key().as_bytes().len());
        let trace = if self.trace.is_some() { TRACE_BYTES } else { 0 };
        let about = if self.about.is_some() { ABOUT_BYTES } else { 0 };
        HEADER_BYTES + ROLE_BYTES + about + trace + self.to.key().as_bytes().len() + from + self.body.len()
    }

    /// Appends its layout to `bytes`.
    pub fn write(&self, identity: Option<Identity>, bytes: &mut Vec<u8>) {
        let Self { to, from, handler, role, about, on_refused, body, trace } = self;
        let (refusal_flag, told) = match on_refused {
            OnRefused::Never => (0, 0),
            OnRefused::Ignore => (IGNORE, 0),
            OnRefused::Tell { handler } => (TELL, handler.0),
        };
        let from_key = from.as_ref().map_or(&[][..], |from| from.key().as_bytes());
        let (from_kind, from_hash) = from.as_ref().map_or((0, 0), |from| (from.kind().0, from.hash()));
        let (origin, number) = identity.map_or((0, 0), |identity| (identity.origin.0, identity.number));

        let mut header = [0; HEADER_BYTES + ROLE_BYTES];
        let trace_flag = if trace.is_some() { TRACED } else { 0 };
        header[0] = LAYOUT << 4 | refusal_flag | trace_flag | if from.is_some() { HAS_SENDER } else { 0 };
        header[1..3].copy_from_slice(&(to.key().as_bytes().len() as u16).to_le_bytes());
        header[3..5].copy_from_slice(&(from_key.len() as u16).to_le_bytes());
        header[5..9].copy_from_slice(&handler.0.to_le_bytes());
        header[9..13].copy_from_slice(&to.kind().0.to_le_bytes());
        header[13..17].copy_from_slice(&from_kind.to_le_bytes());
        header[17..21].copy_from_slice(&told.to_le_bytes());
        header[21..25].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[25..33].copy_from_slice(&origin.to_le_bytes());
        header[33..41].copy_from_slice(&number.to_le_bytes());
        header[41..49].copy_from_slice(&to.hash().to_le_bytes());
        header[49..57].copy_from_slice(&from_hash.to_le_bytes());
        header[57] = *role as u8 | if about.is_some() { HAS_ABOUT } else { 0 };
        bytes.extend_from_slice(&header);
        if let Some(about) = about {
            bytes.extend_from_slice(&about.get().to_le_bytes());
        }
        if let Some(TraceContext { trace, span }) = trace.as_deref() {
            bytes.extend_from_slice(&trace.to_bytes());
            bytes.extend_from_slice(&span.map_or(0, SpanId::get).to_le_bytes());
        }
        bytes.extend_from_slice(to.key().as_bytes());
        bytes.extend_from_slice(from_key);
        bytes.extend_from_slice(body);
    }

    /// Reads the message at the start of `bytes`; gives back what follows it.
    ///
    /// # Errors
    ///
    /// When there is no whole message, or a newer build has written it.
    pub fn read(bytes: &[u8]) -> Result<(Self, Identity, &[u8]), DecodeError> {
        let (layout, flags) = layout_of(Format::Message, *bytes.first().ok_or(Damaged)?, LAYOUT)?;
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Damaged)?;
        let (role, about, rest) = if layout == 0 { (Role::Plain, None, rest) } else { read_role(rest)? };
        let to_length = usize::from(u16::from_le_bytes([header[1], header[2]]));
        let from_length = usize::from(u16::from_le_bytes([header[3], header[4]]));
        let body_length = half(header, 21) as usize;
        let (trace, rest) = match flags & TRACED {
            0 => (None, rest),
            _ => {
                let (trace, rest) = rest.split_first_chunk::<TRACE_BYTES>().ok_or(Damaged)?;
                (Some(Box::new(trace_context(trace).ok_or(Damaged)?)), rest)
            }
        };
        let (to_key, rest) = rest.split_at_checked(to_length).ok_or(Damaged)?;
        let (from_key, rest) = rest.split_at_checked(from_length).ok_or(Damaged)?;
        let (body, rest) = rest.split_at_checked(body_length).ok_or(Damaged)?;

        let to_key = EntityKey::from_bytes(to_key).map_err(|_| Damaged)?;
        let to = Address::with_hash(KindId(half(header, 9)), word(header, 41), to_key).ok_or(Damaged)?;
        let (from_kind, from_hash) = (KindId(half(header, 13)), word(header, 49));
        let from = match flags & HAS_SENDER {
            // What is not there is written as nothing, so that a message has one layout.
            0 if from_key.is_empty() && from_kind == KindId(0) && from_hash == 0 => None,
            0 => return Err(Damaged),
            _ => {
                let from_key = EntityKey::from_bytes(from_key).map_err(|_| Damaged)?;
                Some(Address::with_hash(from_kind, from_hash, from_key).ok_or(Damaged)?)
            }
        };
        let on_refused = match (flags & !(HAS_SENDER | TRACED), half(header, 17)) {
            (0, 0) => OnRefused::Never,
            (IGNORE, 0) => OnRefused::Ignore,
            (TELL, told) if from.is_some() => OnRefused::Tell { handler: HandlerId(told) },
            (both, _) if both == IGNORE | TELL => return Err(DecodeError::newer(Format::OnRefused, both)),
            _ => return Err(Damaged),
        };
        // An ask says whom to tell and about what, and an answer what it is about and whose it is.
        let is_whole = match role {
            Role::Plain | Role::Timer => true,
            Role::Ask => about.is_some() && matches!(on_refused, OnRefused::Tell { .. }),
            Role::Confirm => about.is_some() && from.is_some() && on_refused != OnRefused::Ignore,
            Role::Reply
            | Role::Try
            | Role::Accepted
            | Role::Refused
            | Role::Cancel
            | Role::Lapse
            | Role::Deadline
            | Role::Overdue => about.is_some() && from.is_some() && on_refused == OnRefused::Never,
        };
        if !is_whole || !bodies::is_whole(role, on_refused, body) {
            return Err(Damaged);
        }
        let identity = Identity { origin: PartitionId(word(header, 25)), number: word(header, 33) };
        let (handler, body) = (HandlerId(half(header, 5)), Box::from(body));
        let message = Self { to, from, handler, role, about, on_refused, body, trace };
        Ok((message, identity, rest))
    }
}

/// Reads what stands between the header and the keys: the role, and the number of what the message is about.
fn read_role(rest: &[u8]) -> Result<(Role, Option<NonZeroU64>, &[u8]), DecodeError> {
    let (&byte, rest) = rest.split_first().ok_or(Damaged)?;
    let role = Role::of(byte & !HAS_ABOUT)?;
    if byte & HAS_ABOUT == 0 {
        return Ok((role, None, rest));
    }
    let (about, rest) = rest.split_first_chunk::<ABOUT_BYTES>().ok_or(Damaged)?;
    // What is not there is left out, so that a message has one layout.
    let about = NonZeroU64::new(u64::from_le_bytes(*about)).ok_or(Damaged)?;
    Ok((role, Some(about), rest))
}

/// A message as one number: by its receiver, its handler and its arguments, the same on every attempt.
pub(crate) fn fingerprint(to: &Address, handler: HandlerId, body: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(body, to.hash() ^ u64::from(handler.0).rotate_left(32))
}

fn trace_context(bytes: &[u8; TRACE_BYTES]) -> Option<TraceContext> {
    let (trace, rest) = bytes.split_first_chunk()?;
    let span = u64::from_le_bytes(rest.try_into().ok()?);
    Some(TraceContext { trace: TraceId::from_bytes(*trace)?, span: SpanId::new(span) })
}

fn half(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

fn word(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from(half(header, at)) | u64::from(half(header, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(kind: &str, key: &str) -> Address {
        Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"))
    }

    #[test]
    fn a_message_reads_back_as_it_was_written() {
        let tell = OnRefused::Tell { handler: HandlerId::of("told") };
        let trace = |span| {
            let trace = TraceId::from_bytes([7; 16]).expect("not all zero");
            Some(Box::new(TraceContext { trace, span: SpanId::new(span) }))
        };
        let cases = [
            (Some(address("order", "a/b")), tell, None, None),
            (Some(address("order", &"long".repeat(60))), OnRefused::Never, trace(9), NonZeroU64::new(7)),
            (None, OnRefused::Ignore, trace(0), None),
        ];
        for (from, on_refused, trace, about) in cases {
            let message = Message {
                to: address("stock", "BANK CHARGES"),
                from,
                handler: HandlerId::of("reserve"),
                role: Role::Plain,
                about,
                on_refused,
                body: Box::from([1, 2, 3]),
                trace,
            };
            let identity = Identity { origin: PartitionId(3), number: 9 };
            let mut bytes = Vec::new();
            message.write(Some(identity), &mut bytes);
            assert_eq!(bytes.len(), message.length());
            bytes.push(7);
            assert_eq!(Message::read(&bytes), Ok((message, identity, &[7][..])));
            for length in 0..bytes.len() - 1 {
                assert_eq!(Message::read(&bytes[..length]), Err(Damaged));
            }
        }
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let message = Message {
            to: address("stock", "tea"),
            from: None,
            handler: HandlerId::of("reserve"),
            role: Role::Plain,
            about: None,
            on_refused: OnRefused::Never,
            body: Box::from([1, 2, 3]),
            trace: None,
        };
        message.write(None, &mut bytes);
        bytes
    }

    #[test]
    fn a_role_and_a_layout_of_a_newer_build_are_called_so() {
        for (at, value, format, number) in
            [(0, 0x20, Format::Message, 2), (0, 0x16, Format::OnRefused, 6), (57, 100, Format::Role, 100)]
        {
            let mut bytes = written();
            bytes[at] = value;
            assert_eq!(Message::read(&bytes), Err(DecodeError::newer(format, number)));
        }
    }

    #[test]
    fn a_message_of_the_first_layout_reads() {
        let mut bytes = written();
        let (message, ..) = Message::read(&bytes).expect("a message");
        bytes[0] &= 0xF;
        bytes.remove(57);
        assert_eq!(Message::read(&bytes).map(|(read, ..)| read), Ok(message));
    }
}

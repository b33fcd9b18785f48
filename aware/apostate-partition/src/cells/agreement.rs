//! The cells of an agreement that its proposer keeps until it is decided, and, on behalf of a try, until that try ends.
//!
//! ```text
//!   sub-key    header    ├ number (8) ┤                 waits    ├ number (8) ┼ 0xFFFF_FFFF ┤
//!              leg       ├ number (8) ┼ leg (4) ┤       answer   ├ number (8) ┼ leg (4) ┼ 1 ┤
//!   header     ├ flags ┼ needed (4) ┼ legs (4) ┼ then (4) ┼ lapsed (4) ┼ id (8) ┼ deadline (8) ┼ room (4) ┼ since (8) ┤
//!              and on behalf of a try  ├ its number (8) ┼ proposer's kind (4) ┼ key len (2) ┼ key … ┼ offer … ┤
//!   leg        ├ flags ┼ handler (4) ┼ partner's kind (4) ┼ key len (2) ┼ key … ┼ value of the confirm … ┤
//!   answer     ├ flags ┼ offer or refusal … ┤           waits    ├ 0 ┤
//! ```
//!
//! Numbers in sub-keys are big-endian, other integers little-endian; the high half of all flags is the number of the layout: 0, and 1 of a header, which
//! has no `since` in layout 0. Each cell is put once, and never changed: what an agreement has come to is counted from its cells.
//!
//! The messages about leg *l* of agreement *n* have the number *n + 1 + l*, so a leg is found by its number.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; mutated bytes in `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, Timestamp, written_key_bytes};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::{Format, layout_of};

/// The layout of all values but headers.
const LAYOUT: u8 = 0;
/// The layout of headers, and the newest that is read.
const HEADER_LAYOUT: u8 = 1;

/// Bytes of the largest cell besides the proposer's key and the value.
const CELL_BYTES: usize = 40;
/// Bytes of a header that says not when it was proposed, and is on behalf of no try.
const HEADER_BYTES: usize = 37;
/// Bytes of a leg before the partner's key.
const LEG_BYTES: usize = 5 + ADDRESS_BYTES;
/// Bytes of an address before its key.
const ADDRESS_BYTES: usize = 6;

/// In the flags of a header: it is decided as soon as enough have accepted.
const EAGER: u8 = 1;
/// In the flags of a header: it was proposed on behalf of a try.
const UNDER: u8 = 2;
/// In the flags of a leg: its offer is told to the proposer.
const OFFER: u8 = 1;
/// In the flags of a leg: its confirm has a value of its own.
const VALUE: u8 = 2;
/// In the flags of an answer: it is a refusal.
const REFUSED: u8 = 1;

/// In place of a leg: the agreement is agreed, and waits for the ending of the try that it is on behalf of.
const WAITS: u32 = u32::MAX;
/// Behind a leg: its answer.
const ANSWER: u8 = 1;

/// A cell of the section, by its sub-key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementSub {
    /// The agreement itself.
    Header,
    /// One of its legs, until the agreement is decided.
    Leg(u32),
    /// The answer of a leg.
    Answer(u32),
    /// The mark that it is agreed, and waits for the try that it is on behalf of.
    Waits,
}

impl AgreementSub {
    /// The key of the cell of agreement `number` of a proposer.
    pub(crate) fn key(self, proposer: &Address, number: NonZeroU64) -> Vec<u8> {
        let mut sub = [0; 13];
        sub[..8].copy_from_slice(&number.get().to_be_bytes());
        let length = match self {
            Self::Header => 8,
            Self::Leg(_) | Self::Waits => 12,
            Self::Answer(_) => 13,
        };
        if let Self::Leg(leg) | Self::Answer(leg) = self {
            sub[8..12].copy_from_slice(&leg.to_be_bytes());
        } else {
            sub[8..12].copy_from_slice(&WAITS.to_be_bytes());
        }
        sub[12] = ANSWER;
        cell::key(Section::Agreements, proposer, &sub[..length])
    }

    /// Reads a sub-key: the number of the agreement, and which of its cells it is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(sub: &[u8]) -> Result<(NonZeroU64, Self), DecodeError> {
        let (number, rest) = sub.split_first_chunk().ok_or(Damaged)?;
        let number = NonZeroU64::new(u64::from_be_bytes(*number)).ok_or(Damaged)?;
        let leg = rest.first_chunk().map(|leg| u32::from_be_bytes(*leg));
        let cell = match (leg, rest.get(4..).unwrap_or(&[])) {
            (None, []) if rest.is_empty() => Self::Header,
            (Some(WAITS), []) => Self::Waits,
            (Some(leg), []) => Self::Leg(leg),
            (Some(leg), [ANSWER]) if leg != WAITS => Self::Answer(leg),
            _ => return Err(Damaged),
        };
        Ok((number, cell))
    }
}

/// Bytes that a cell of an agreement takes in a record besides its value, at most.
pub(crate) fn cell_bytes(proposer: &Address) -> usize {
    CELL_BYTES + written_key_bytes(proposer)
}

/// The number of a leg: that of all messages about it.
#[must_use]
pub fn leg_number(agreement: NonZeroU64, leg: u32) -> NonZeroU64 {
    agreement.saturating_add(u64::from(leg) + 1)
}

/// An agreement that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The id by which the proposer's author knows it.
    pub id: NonZeroU64,
    /// Number of its legs.
    pub legs: u32,
    /// How many of them have to accept.
    pub needed: u32,
    /// Whether it is decided as soon as so many have.
    pub is_eager: bool,
    /// The proposer's handler that is told of the decision.
    pub then: Option<HandlerId>,
    /// The proposer's handler that is told of a leg that has lapsed.
    pub lapsed: Option<HandlerId>,
    /// When it expires.
    pub deadline: Option<Timestamp>,
    /// Bytes of offers that its decision has room for.
    pub room: u32,
    /// When it was proposed; none if an earlier build has written it.
    pub since: Option<Timestamp>,
    /// The try that it is on behalf of.
    pub under: Option<Under>,
}

/// The try that an agreement was proposed on behalf of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Under {
    /// The entity that sent the try.
    pub proposer: Address,
    /// The number of the try.
    pub number: NonZeroU64,
    /// The offer of the entity, once the agreement is agreed.
    pub offer: Box<[u8]>,
}

impl Header {
    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        let since = if self.since.is_some() { size_of::<u64>() } else { 0 };
        let under = self.under.as_ref().map_or(0, |under| {
            size_of::<u64>() + ADDRESS_BYTES + under.proposer.key().as_bytes().len() + under.offer.len()
        });
        HEADER_BYTES + since + under
    }

    /// The cell's value.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { id, legs, needed, is_eager, then, lapsed, deadline, room, since, under } = self;
        let flags = if *is_eager { EAGER } else { 0 } | if under.is_some() { UNDER } else { 0 };
        // What has no time is written as it was read: a cell is never changed.
        let layout = if since.is_some() { HEADER_LAYOUT } else { 0 };
        let mut value = vec![layout << 4 | flags];
        for word in [*needed, *legs, id_of(*then), id_of(*lapsed)] {
            value.extend_from_slice(&word.to_le_bytes());
        }
        value.extend_from_slice(&id.get().to_le_bytes());
        value.extend_from_slice(&deadline.map_or(u64::MAX, |deadline| deadline.0).to_le_bytes());
        value.extend_from_slice(&room.to_le_bytes());
        value.extend(since.iter().flat_map(|since| since.0.to_le_bytes()));
        if let Some(Under { proposer, number, offer }) = under {
            value.extend_from_slice(&number.get().to_le_bytes());
            write_address(proposer, &mut value);
            value.extend_from_slice(offer);
        }
        value
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (&first, mut rest) = value.split_first().ok_or(Damaged)?;
        let (layout, flags) = layout_of(Format::Agreement, first, HEADER_LAYOUT)?;
        let mut word = || -> Result<u32, DecodeError> {
            let (word, behind) = rest.split_first_chunk().ok_or(Damaged)?;
            rest = behind;
            Ok(u32::from_le_bytes(*word))
        };
        let [needed, legs, then, lapsed] = [word()?, word()?, word()?, word()?];
        let (id, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (deadline, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (room, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (since, rest) = match layout {
            0 => (None, rest),
            _ => {
                rest.split_first_chunk().map(|(since, rest)| (Some(u64::from_le_bytes(*since)), rest)).ok_or(Damaged)?
            }
        };
        let deadline = u64::from_le_bytes(*deadline);
        let under = match (flags & UNDER, rest) {
            (0, []) => None,
            (0, _) => return Err(Damaged),
            _ => {
                let (number, rest) = rest.split_first_chunk().ok_or(Damaged)?;
                let (proposer, offer) = read_address(rest)?;
                let number = NonZeroU64::new(u64::from_le_bytes(*number)).ok_or(Damaged)?;
                Some(Under { proposer, number, offer: offer.into() })
            }
        };
        if flags > EAGER | UNDER || needed > legs {
            return Err(Damaged);
        }
        Ok(Self {
            id: NonZeroU64::new(u64::from_le_bytes(*id)).ok_or(Damaged)?,
            legs,
            needed,
            is_eager: flags & EAGER != 0,
            then: handler_of(then),
            lapsed: handler_of(lapsed),
            deadline: (deadline != u64::MAX).then_some(Timestamp(deadline)),
            room: u32::from_le_bytes(*room),
            since: since.map(Timestamp),
            under,
        })
    }
}

/// A leg of an agreement: one partner that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The partner.
    pub partner: Address,
    /// The tentative handler.
    pub handler: HandlerId,
    /// Whether the proposer is told what the partner offers.
    pub is_offer_read: bool,
    /// The value that its confirm has beside what is held.
    pub value: Option<Box<[u8]>>,
}

impl Leg {
    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        let value = self.value.as_ref().map_or(0, |value| value.len());
        LEG_BYTES + self.partner.key().as_bytes().len() + value
    }

    /// The cell's value.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { partner, handler, is_offer_read, value } = self;
        let flags = if *is_offer_read { OFFER } else { 0 } | if value.is_some() { VALUE } else { 0 };
        let mut bytes = vec![LAYOUT << 4 | flags];
        bytes.extend_from_slice(&handler.0.to_le_bytes());
        write_address(partner, &mut bytes);
        bytes.extend_from_slice(value.as_deref().unwrap_or(&[]));
        bytes
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (flags, rest) = read_flags(Format::Agreement, value)?;
        let (handler, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (partner, rest) = read_address(rest)?;
        let value = match (flags & VALUE, rest) {
            (0, []) => None,
            (0, _) => return Err(Damaged),
            _ => Some(rest.into()),
        };
        if flags > OFFER | VALUE {
            return Err(Damaged);
        }
        let handler = HandlerId(u32::from_le_bytes(*handler));
        Ok(Self { partner, handler, is_offer_read: flags & OFFER != 0, value })
    }
}

/// The answer of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegAnswer<'a> {
    /// The partner accepts, with this offer.
    Accepted(&'a [u8]),
    /// The partner refuses, with this refusal, encoded.
    Refused(&'a [u8]),
}

impl<'a> LegAnswer<'a> {
    /// Bytes of the cell's value.
    pub(crate) fn length(self) -> usize {
        let (Self::Accepted(bytes) | Self::Refused(bytes)) = self;
        1 + bytes.len()
    }

    /// The cell's value.
    #[must_use]
    pub fn write(self) -> Vec<u8> {
        let (flags, bytes) = match self {
            Self::Accepted(offer) => (0, offer),
            Self::Refused(why) => (REFUSED, why),
        };
        [&[LAYOUT << 4 | flags], bytes].concat()
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is empty, or a newer build has written it.
    pub fn read(value: &'a [u8]) -> Result<Self, DecodeError> {
        match read_flags(Format::Agreement, value)? {
            (0, offer) => Ok(Self::Accepted(offer)),
            (REFUSED, why) => Ok(Self::Refused(why)),
            _ => Err(Damaged),
        }
    }
}

/// The value of the mark that an agreement waits.
pub(crate) const WAITING: &[u8] = &[LAYOUT << 4];

/// Checks the value of a cell.
pub(crate) fn check(sub: AgreementSub, value: &[u8]) -> Result<(), DecodeError> {
    match sub {
        AgreementSub::Header => Header::read(value).map(drop),
        AgreementSub::Leg(_) => Leg::read(value).map(drop),
        AgreementSub::Answer(_) => LegAnswer::read(value).map(drop),
        AgreementSub::Waits => match read_flags(Format::Agreement, value)? {
            (0, []) => Ok(()),
            _ => Err(Damaged),
        },
    }
}

fn read_flags(format: Format, value: &[u8]) -> Result<(u8, &[u8]), DecodeError> {
    let (&first, rest) = value.split_first().ok_or(Damaged)?;
    let (_, flags) = layout_of(format, first, LAYOUT)?;
    Ok((flags, rest))
}

/// The number of a handler; 0 for none.
fn id_of(handler: Option<HandlerId>) -> u32 {
    handler.map_or(0, |handler| handler.0)
}

fn handler_of(id: u32) -> Option<HandlerId> {
    (id != 0).then_some(HandlerId(id))
}

/// Appends an address: kind, length of the key, key.
pub(super) fn write_address(address: &Address, bytes: &mut Vec<u8>) {
    let key = address.key().as_bytes();
    bytes.extend_from_slice(&address.kind().0.to_le_bytes());
    bytes.extend_from_slice(&(key.len() as u16).to_le_bytes());
    bytes.extend_from_slice(key);
}

/// Reads an address at the start of `bytes`; gives back what follows it.
pub(super) fn read_address(bytes: &[u8]) -> Result<(Address, &[u8]), DecodeError> {
    let (kind, rest) = bytes.split_first_chunk().ok_or(Damaged)?;
    let (length, rest) = rest.split_first_chunk().ok_or(Damaged)?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length))).ok_or(Damaged)?;
    let key = EntityKey::from_bytes(key).map_err(|_| Damaged)?;
    Ok((Address::new(KindId(u32::from_le_bytes(*kind)), key), rest))
}

#[cfg(test)]
mod tests;

//! The cell of an open ask: what an entity has asked another one, until its own handler has taken the answer.
//!
//! ```text
//!   sub-key   ├ number (8, big-endian) ┤
//!   value     ├ 0 ┼ then (4) ┼ deadline (8) ┼ partner's kind (4, big-endian) ┼ partner's key … ┤       other integers are little-endian
//! ```
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; mutated bytes in `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, Timestamp};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::Format;

/// The layout of the value.
const LAYOUT: u8 = 0;

/// Bytes before the partner's key.
const HEADER_BYTES: usize = 17;

/// An open ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAsk {
    /// The asker's handler that takes the answer.
    pub then: HandlerId,
    /// The moment at which it has expired.
    pub deadline: Timestamp,
    /// The entity that was asked.
    pub partner: Address,
}

impl OpenAsk {
    /// The key of the cell.
    pub(crate) fn key(asker: &Address, number: NonZeroU64) -> Vec<u8> {
        cell::key(Section::Asks, asker, &number.get().to_be_bytes())
    }

    /// Reads the number of an ask from the sub-key of its cell.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read_number(sub: &[u8]) -> Result<NonZeroU64, DecodeError> {
        NonZeroU64::new(u64::from_be_bytes(sub.try_into().map_err(|_| Damaged)?)).ok_or(Damaged)
    }

    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        HEADER_BYTES + self.partner.key().as_bytes().len()
    }

    /// The cell's value.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { then, deadline, partner } = self;
        let kind = partner.kind().0.to_be_bytes();
        [&[LAYOUT], &then.0.to_le_bytes()[..], &deadline.0.to_le_bytes(), &kind, partner.key().as_bytes()].concat()
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let rest = match value.split_first().ok_or(Damaged)? {
            (&LAYOUT, rest) => rest,
            (&newer, _) => return Err(DecodeError::newer(Format::Ask, newer)),
        };
        let (then, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (deadline, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (kind, key) = rest.split_first_chunk().ok_or(Damaged)?;
        let key = EntityKey::from_bytes(key).map_err(|_| Damaged)?;
        Ok(Self {
            then: HandlerId(u32::from_le_bytes(*then)),
            deadline: Timestamp(u64::from_le_bytes(*deadline)),
            partner: Address::new(KindId(u32::from_be_bytes(*kind)), key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_reads_back() {
        let partner = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let ask = OpenAsk { then: HandlerId::of("on_taken"), deadline: Timestamp(7), partner: partner.clone() };
        let value = ask.write();
        assert_eq!(ask.length(), value.len());
        assert_eq!(OpenAsk::read(&value), Ok(ask));
        assert_eq!(OpenAsk::read(&[&[1], &value[1..]].concat()), Err(DecodeError::newer(Format::Ask, 1)));
        for length in 0..value.len() - 2 {
            assert_eq!(OpenAsk::read(&value[..length]), Err(Damaged), "{length}");
        }
        let key = OpenAsk::key(&partner, NonZeroU64::MIN);
        let read = cell::read_key(&key).expect("a key");
        assert_eq!((read.section, OpenAsk::read_number(read.sub)), (Section::Asks, Ok(NonZeroU64::MIN)));
        assert_eq!(OpenAsk::read_number(&[0; 8]), Err(Damaged));
    }
}

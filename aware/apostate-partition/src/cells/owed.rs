//! The cell of an answer that an entity owes: who waits for it, until the entity has given it or its time is over.
//!
//! ```text
//!   sub-key   ├ number (8, big-endian) ┤
//!   value     ├ 0 ┼ 0 ┼ fingerprint (8) ┼ client key … ┤                                          a call from outside, by its client key
//!             ├ 0 ┼ 1 ┼ ask (8) ┼ then (4) ┼ asker's kind (4, big-endian) ┼ asker's key … ┤       an entity that asked
//! ```
//!
//! The number is the version that the call gave its entity. Other integers are little-endian.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/owed.rs`; mutated bytes in `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId};

use crate::cells::ask::OpenAsk;
use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::Format;
use crate::limits::CLIENT_KEY_BYTES_MAX;

/// The layout of the value.
const LAYOUT: u8 = 0;

const CLIENT: u8 = 0;
const ASKER: u8 = 1;

/// Bytes before the client key.
const CLIENT_BYTES: usize = 10;
/// Bytes before the asker's key.
const ASKER_BYTES: usize = 18;

/// An answer that is owed, by the one who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// A client, whose key is pending.
    Client {
        /// The request as one number.
        fingerprint: u64,
        /// The client key.
        key: Box<str>,
    },
    /// An entity that has asked.
    Asker {
        /// The number of the ask, at the asker.
        ask: NonZeroU64,
        /// The asker's handler that takes the answer.
        then: HandlerId,
        /// The asker.
        asker: Address,
    },
}

impl Owed {
    /// The key of the cell.
    pub(crate) fn key(of: &Address, number: NonZeroU64) -> Vec<u8> {
        cell::key(Section::Owed, of, &number.get().to_be_bytes())
    }

    /// Reads the number from the sub-key of a cell.
    pub(crate) fn read_number(sub: &[u8]) -> Result<NonZeroU64, DecodeError> {
        OpenAsk::read_number(sub)
    }

    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Client { fingerprint: _, key } => CLIENT_BYTES + key.len(),
            Self::Asker { asker, .. } => ASKER_BYTES + asker.key().as_bytes().len(),
        }
    }

    /// The cell's value.
    pub(crate) fn write(&self) -> Vec<u8> {
        match self {
            Self::Client { fingerprint, key } => {
                [&[LAYOUT, CLIENT], &fingerprint.to_le_bytes()[..], key.as_bytes()].concat()
            }
            Self::Asker { ask, then, asker } => {
                let kind = asker.kind().0.to_be_bytes();
                [&[LAYOUT, ASKER], &ask.get().to_le_bytes()[..], &then.0.to_le_bytes(), &kind, asker.key().as_bytes()]
                    .concat()
            }
        }
    }

    /// Reads a cell's value.
    pub(crate) fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let rest = match value.split_first().ok_or(Damaged)? {
            (&LAYOUT, rest) => rest,
            (&newer, _) => return Err(DecodeError::newer(Format::Owed, newer)),
        };
        let (&tag, rest) = rest.split_first().ok_or(Damaged)?;
        let (number, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let number = u64::from_le_bytes(*number);
        match tag {
            CLIENT => {
                let key = std::str::from_utf8(rest).map_err(|_| Damaged)?;
                if !(1..=CLIENT_KEY_BYTES_MAX).contains(&key.len()) {
                    return Err(Damaged);
                }
                Ok(Self::Client { fingerprint: number, key: key.into() })
            }
            ASKER => {
                let (then, rest) = rest.split_first_chunk().ok_or(Damaged)?;
                let (kind, key) = rest.split_first_chunk().ok_or(Damaged)?;
                let key = EntityKey::from_bytes(key).map_err(|_| Damaged)?;
                Ok(Self::Asker {
                    ask: NonZeroU64::new(number).ok_or(Damaged)?,
                    then: HandlerId(u32::from_le_bytes(*then)),
                    asker: Address::new(KindId(u32::from_be_bytes(*kind)), key),
                })
            }
            newer => Err(DecodeError::newer(Format::Owed, newer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_reads_back() {
        let asker = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let client = Owed::Client { fingerprint: 0, key: "call 7".into() };
        let asked = Owed::Asker { ask: NonZeroU64::MIN, then: HandlerId::of("on_taken"), asker: asker.clone() };
        for (owed, least) in [(client, 11), (asked, 19)] {
            let value = owed.write();
            assert_eq!(owed.length(), value.len());
            assert_eq!(Owed::read(&value), Ok(owed));
            assert_eq!(Owed::read(&[&[1], &value[1..]].concat()), Err(DecodeError::newer(Format::Owed, 1)));
            for length in 0..least {
                assert_eq!(Owed::read(&value[..length]), Err(Damaged), "{length}");
            }
        }
        assert_eq!(Owed::read(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 0]), Err(DecodeError::newer(Format::Owed, 2)));
        let key = Owed::key(&asker, NonZeroU64::MIN);
        let read = cell::read_key(&key).expect("a key");
        assert_eq!((read.section, Owed::read_number(read.sub)), (Section::Owed, Ok(NonZeroU64::MIN)));
    }
}

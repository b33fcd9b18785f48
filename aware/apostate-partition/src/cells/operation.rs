//! The cell of an open tentative operation: what a partner has accepted, until it is confirmed or cancelled.
//!
//! ```text
//!   sub-key   ├ proposer's kind (4, big-endian) ┼ number of the try (8, big-endian) ┼ proposer's key … ┤
//!   value     ├ flags ┼ handler (4) ┼ since (8) ┼ deadline (8) ┼ lapse (8) ┼ inner (8) ┼ hold … ┤
//! ```
//!
//! The high half of `flags` is the number of the layout: 0. `deadline` is the agreement's, and the operation's own end; `lapse` is the number of
//! the timer that ends an operation which may lapse, `inner` that of the agreement that was proposed on its behalf: 0 for none. The hold is the arguments of
//! the try. Integers of the value are little-endian.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; mutated bytes in `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, Timestamp};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::{Format, layout_of};

/// The layout of the value.
const LAYOUT: u8 = 0;

/// Bytes before the hold.
const HEADER_BYTES: usize = 37;

/// An operation that is tentative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The tentative handler.
    pub handler: HandlerId,
    /// When it was accepted.
    pub since: Timestamp,
    /// When its agreement expires, if that is known.
    pub deadline: Option<Timestamp>,
    /// The number of the timer that ends it, if it may lapse.
    pub lapse: Option<NonZeroU64>,
    /// The agreement that was proposed on its behalf, if one was.
    pub inner: Option<NonZeroU64>,
    /// The arguments of the try.
    pub hold: Box<[u8]>,
}

/// The proposer of an operation, and the number of its try.
pub type OperationName = (Address, NonZeroU64);

impl Operation {
    /// The key of the cell.
    pub(crate) fn key(partner: &Address, proposer: &Address, number: NonZeroU64) -> Vec<u8> {
        cell::key(Section::Operations, partner, &Self::sub(proposer, number))
    }

    /// The name of an operation, as a sub-key has it.
    pub(super) fn sub(proposer: &Address, number: NonZeroU64) -> Vec<u8> {
        let key = proposer.key().as_bytes();
        let mut sub = Vec::with_capacity(12 + key.len());
        sub.extend_from_slice(&proposer.kind().0.to_be_bytes());
        sub.extend_from_slice(&number.get().to_be_bytes());
        sub.extend_from_slice(key);
        sub
    }

    /// Reads a sub-key.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read_name(sub: &[u8]) -> Result<OperationName, DecodeError> {
        let (kind, rest) = sub.split_first_chunk().ok_or(Damaged)?;
        let (number, key) = rest.split_first_chunk().ok_or(Damaged)?;
        let number = NonZeroU64::new(u64::from_be_bytes(*number)).ok_or(Damaged)?;
        let key = EntityKey::from_bytes(key).map_err(|_| Damaged)?;
        Ok((Address::new(KindId(u32::from_be_bytes(*kind)), key), number))
    }

    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        HEADER_BYTES + self.hold.len()
    }

    /// The cell's value.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { handler, since, deadline, lapse, inner, hold } = self;
        let number = |number: &Option<NonZeroU64>| number.map_or(0, NonZeroU64::get);
        let mut value = Vec::with_capacity(HEADER_BYTES + hold.len());
        value.push(LAYOUT << 4);
        value.extend_from_slice(&handler.0.to_le_bytes());
        for word in [since.0, deadline.map_or(u64::MAX, |deadline| deadline.0), number(lapse), number(inner)] {
            value.extend_from_slice(&word.to_le_bytes());
        }
        value.extend_from_slice(hold);
        value
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        layout_of(Format::Operation, *value.first().ok_or(Damaged)?, LAYOUT)?;
        let (header, hold) = value.split_first_chunk::<HEADER_BYTES>().ok_or(Damaged)?;
        if header[0] != LAYOUT << 4 {
            return Err(Damaged);
        }
        let (handler, words) = header[1..].split_first_chunk().ok_or(Damaged)?;
        let word = |at: usize| words.get(8 * at..).and_then(<[u8]>::first_chunk).map(|word| u64::from_le_bytes(*word));
        let [since, deadline, lapse, inner] = [word(0), word(1), word(2), word(3)].map(|word| word.ok_or(Damaged));
        let deadline = deadline?;
        Ok(Self {
            handler: HandlerId(u32::from_le_bytes(*handler)),
            since: Timestamp(since?),
            deadline: (deadline != u64::MAX).then_some(Timestamp(deadline)),
            lapse: NonZeroU64::new(lapse?),
            inner: NonZeroU64::new(inner?),
            hold: hold.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_back() {
        let [order, stock] =
            ["order", "stock"].map(|kind| Address::new(KindId::of(kind), EntityKey::new("1").expect("a key")));
        let operation = Operation {
            handler: HandlerId::of("reserve"),
            since: Timestamp(7),
            deadline: Some(Timestamp(9)),
            lapse: NonZeroU64::new(3),
            inner: None,
            hold: Box::from(*b"\x80"),
        };
        let value = operation.write();
        assert_eq!(operation.length(), value.len());
        assert_eq!(Operation::read(&value), Ok(operation));
        assert_eq!(Operation::read(&[&[0x10], &value[1..]].concat()), Err(DecodeError::newer(Format::Operation, 1)));
        assert_eq!(Operation::read(&[&[0x01], &value[1..]].concat()), Err(Damaged));
        for length in 0..HEADER_BYTES {
            assert_eq!(Operation::read(&value[..length]), Err(Damaged), "{length}");
        }
        let key = Operation::key(&stock, &order, NonZeroU64::MIN);
        let read = cell::read_key(&key).expect("a key");
        assert_eq!((read.section, &read.address), (Section::Operations, &stock));
        assert_eq!(Operation::read_name(read.sub), Ok((order, NonZeroU64::MIN)));
    }
}

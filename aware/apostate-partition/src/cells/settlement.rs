//! The cells of an operation that an operator has settled by hand: how, until its real ending comes, and that this was another one, if it was.
//!
//! ```text
//!   sub-key   ├ 0, or 1 ┼ proposer's kind (4, big-endian) ┼ number of the try (8, big-endian) ┼ proposer's key … ┤
//!   value     0, the settlement          ├ flags ┼ handler (4) ┼ time (8) ┼ reason … ┤
//!             1, its ending was another  ├ 0 ┼ time (8) ┤
//! ```
//!
//! The high half of `flags` is the number of the layout: 0. Integers of the values are little-endian. Each cell is put once, and never changed.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/settled.rs`; mutated bytes in `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, HandlerId, Timestamp};

use crate::cells::cell::{self, Section};
use crate::cells::operation::{Operation, OperationName};
use crate::format::DecodeError::{self, Damaged};
use crate::format::{Format, layout_of};
use crate::limits::REASON_BYTES_MAX;

/// The layout of the values.
const LAYOUT: u8 = 0;

/// In the flags: it was settled as confirmed.
const CONFIRMED: u8 = 1;
/// In the flags: no handler ran.
const WITHOUT_HANDLER: u8 = 2;

/// Bytes before the reason.
const HEADER_BYTES: usize = 13;

/// A cell of the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SettlementSub {
    /// The settlement.
    Settled = 0,
    /// The mark that the real ending was another one.
    Contradicted = 1,
}

/// An operation that was settled by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Whether it was confirmed; else it was cancelled.
    pub is_confirmed: bool,
    /// Whether no handler ran.
    pub is_without_handler: bool,
    /// The tentative handler that had accepted.
    pub handler: HandlerId,
    /// When it was settled.
    pub time: Timestamp,
    /// Why, in the operator's words.
    pub reason: String,
}

impl SettlementSub {
    /// The key of the cell.
    pub(crate) fn key(self, partner: &Address, proposer: &Address, number: NonZeroU64) -> Vec<u8> {
        let name = Operation::sub(proposer, number);
        cell::key(Section::Settlements, partner, &[&[self as u8], &name[..]].concat())
    }

    /// Reads a sub-key: which of the cells it is, and of which operation.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(sub: &[u8]) -> Result<(Self, OperationName), DecodeError> {
        let (tag, name) = sub.split_first().ok_or(Damaged)?;
        let sub = match tag {
            0 => Self::Settled,
            1 => Self::Contradicted,
            newer => return Err(DecodeError::newer(Format::Settlement, *newer)),
        };
        Ok((sub, Operation::read_name(name)?))
    }
}

impl Settlement {
    /// Bytes of the cell's value.
    pub(crate) fn length(&self) -> usize {
        HEADER_BYTES + self.reason.len()
    }

    /// The cell's value.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { is_confirmed, is_without_handler, handler, time, reason } = self;
        let flags = if *is_confirmed { CONFIRMED } else { 0 } | if *is_without_handler { WITHOUT_HANDLER } else { 0 };
        let mut value = vec![LAYOUT << 4 | flags];
        value.extend_from_slice(&handler.0.to_le_bytes());
        value.extend_from_slice(&time.0.to_le_bytes());
        value.extend_from_slice(reason.as_bytes());
        value
    }

    /// Reads a cell's value.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (_, flags) = layout_of(Format::Settlement, *value.first().ok_or(Damaged)?, LAYOUT)?;
        let (header, reason) = value.split_first_chunk::<HEADER_BYTES>().ok_or(Damaged)?;
        let (handler, time) = header[1..].split_first_chunk().ok_or(Damaged)?;
        let time = time.first_chunk().ok_or(Damaged)?;
        if flags > CONFIRMED | WITHOUT_HANDLER || reason.len() > REASON_BYTES_MAX {
            return Err(Damaged);
        }
        Ok(Self {
            is_confirmed: flags & CONFIRMED != 0,
            is_without_handler: flags & WITHOUT_HANDLER != 0,
            handler: HandlerId(u32::from_le_bytes(*handler)),
            time: Timestamp(u64::from_le_bytes(*time)),
            reason: std::str::from_utf8(reason).map_err(|_| Damaged)?.to_owned(),
        })
    }
}

/// Bytes of the mark that the real ending was another one.
pub(crate) const CONTRADICTED_BYTES: usize = 9;

/// The value of the mark that the real ending, which came at this time, was another one.
#[must_use]
pub fn contradicted(time: Timestamp) -> Vec<u8> {
    [&[LAYOUT << 4], &time.0.to_le_bytes()[..]].concat()
}

/// Reads the value of that mark.
///
/// # Errors
///
/// When it is cut short, or a newer build has written it.
pub fn read_contradicted(value: &[u8]) -> Result<Timestamp, DecodeError> {
    let (&first, time) = value.split_first().ok_or(Damaged)?;
    match layout_of(Format::Settlement, first, LAYOUT)? {
        (_, 0) => Ok(Timestamp(u64::from_le_bytes(time.try_into().map_err(|_| Damaged)?))),
        _ => Err(Damaged),
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};

    use super::*;

    #[test]
    fn a_settlement_reads_back() {
        let [order, stock] =
            ["order", "stock"].map(|kind| Address::new(KindId::of(kind), EntityKey::new("1").expect("a key")));
        for (is_confirmed, is_without_handler) in [(true, false), (false, true)] {
            let (handler, time) = (HandlerId::of("reserve"), Timestamp(7));
            let settlement =
                Settlement { is_confirmed, is_without_handler, handler, time, reason: "shop closed".to_owned() };
            let value = settlement.write();
            assert_eq!(settlement.length(), value.len());
            assert_eq!(Settlement::read(&value), Ok(settlement));
            let newer = [&[value[0] | 0x10], &value[1..]].concat();
            assert_eq!(Settlement::read(&newer), Err(DecodeError::newer(Format::Settlement, 1)));
            assert_eq!(Settlement::read(&[&[0x04], &value[1..]].concat()), Err(Damaged));
            for length in 0..HEADER_BYTES {
                assert_eq!(Settlement::read(&value[..length]), Err(Damaged), "{length}");
            }
        }
        assert_eq!(read_contradicted(&contradicted(Timestamp(9))), Ok(Timestamp(9)));
        for sub in [SettlementSub::Settled, SettlementSub::Contradicted] {
            let key = sub.key(&stock, &order, NonZeroU64::MIN);
            let read = cell::read_key(&key).expect("a key");
            assert_eq!((read.section, &read.address), (Section::Settlements, &stock));
            assert_eq!(SettlementSub::read(read.sub), Ok((sub, (order.clone(), NonZeroU64::MIN))));
        }
        assert_eq!(SettlementSub::read(&[2]), Err(DecodeError::newer(Format::Settlement, 2)));
    }
}

//! The cells of activities: what an entity remembers about each partner, and which of its lives they belong to.
//!
//! ```text
//!   sub-key   ├ life (8, big-endian) ┼ partner's kind (4) ┼ partner's key … ┤     value   ├ 0 ┼ activity … ┤
//!   sub-key   ├ none                                                        ┤     value   ├ 0 ┼ life (8) ┤
//! ```
//!
//! A life begins with an entity and ends with its deletion. It is named by the version above which the entity began, which no deleted one ever
//! had; one that is named 0 has no cell. So what an earlier life remembered is out of reach at once, also where memory does not know of it.
//! Builds before layout 3 of the data directory began the next life with the deletion.
//!
//! Paper: *Activities: managing state for each partner*.

use std::sync::Arc;

use apostate_core::{Address, PartnerKey};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::Format;

/// The layout of both values.
const LAYOUT: u8 = 0;

/// A sub-key of the section.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ActivitySub {
    /// The life under way.
    Life,
    /// The activity of a life with a partner.
    Of(u64, PartnerKey),
}

impl ActivitySub {
    /// The key of the cell.
    pub(crate) fn key(&self, address: &Address) -> Vec<u8> {
        match self {
            Self::Life => cell::key(Section::Activities, address, &[]),
            Self::Of(life, partner) => {
                let sub = [&life.to_be_bytes(), partner.as_bytes()].concat();
                cell::key(Section::Activities, address, &sub)
            }
        }
    }

    /// Reads a sub-key.
    pub(crate) fn read(sub: &[u8]) -> Result<Self, DecodeError> {
        if sub.is_empty() {
            return Ok(Self::Life);
        }
        let (life, partner) = sub.split_first_chunk().ok_or(Damaged)?;
        Ok(Self::Of(u64::from_be_bytes(*life), PartnerKey::read(partner).ok_or(Damaged)?))
    }
}

/// The value of the cell of an activity.
pub(crate) fn value_of(activity: &[u8]) -> Arc<[u8]> {
    [&[LAYOUT], activity].concat().into()
}

/// The value of the cell that names the life.
pub(crate) fn value_of_life(life: u64) -> Arc<[u8]> {
    value_of(&life.to_le_bytes())
}

/// Reads the value of the cell of an activity.
pub(crate) fn read_value(value: &[u8]) -> Result<&[u8], DecodeError> {
    match value.split_first().ok_or(Damaged)? {
        (&LAYOUT, activity) if !activity.is_empty() => Ok(activity),
        (&LAYOUT, _) => Err(Damaged),
        (&newer, _) => Err(DecodeError::newer(Format::Activity, newer)),
    }
}

/// Reads the value of the cell that names the life.
pub(crate) fn read_life(value: &[u8]) -> Result<u64, DecodeError> {
    Ok(u64::from_le_bytes(read_value(value)?.try_into().map_err(|_| Damaged)?))
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};

    use super::*;

    #[test]
    fn keys_and_values_of_activities_read_back() {
        let tea = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        for sub in [ActivitySub::Life, ActivitySub::Of(7, PartnerKey::of(&tea))] {
            let key = sub.key(&tea);
            let read = cell::read_key(&key).expect("a key");
            assert_eq!((read.section, ActivitySub::read(read.sub)), (Section::Activities, Ok(sub)));
        }
        assert_eq!(ActivitySub::read(&[0; 8]), Err(Damaged));
        assert_eq!(read_value(&value_of(b"activity")), Ok(&b"activity"[..]));
        assert_eq!(read_life(&value_of_life(7)), Ok(7));
        assert_eq!(read_value(&[1, 2]), Err(DecodeError::newer(Format::Activity, 1)));
        assert_eq!(read_value(&[0]), Err(Damaged));
    }
}

//! The value of a parked message's cell: when and why it was parked, and the message.
//!
//! ```text
//!   ├ time (8) ┼ reason len (3) ┼ layout (1) ┼ reason … ┼ message … ┤        integers are little-endian, the layout is 0
//! ```
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/parked.rs`; planted `parked-lost`.

use apostate_core::Timestamp;

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format};
use crate::message::Message;

/// A message that was given up on until an operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) message: Message,
    pub(crate) reason: String,
    pub(crate) time: Timestamp,
}

impl Parked {
    /// The cell's value.
    pub(crate) fn write(&self) -> Vec<u8> {
        let Self { message, reason, time } = self;
        let mut value = time.0.to_le_bytes().to_vec();
        value.extend_from_slice(&(reason.len() as u32).to_le_bytes());
        value.extend_from_slice(reason.as_bytes());
        message.write(None, &mut value);
        value
    }

    /// Reads a cell's value.
    pub(crate) fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let (time, rest) = value.split_first_chunk().ok_or(Damaged)?;
        let (&[low, mid, high, layout], rest) = rest.split_first_chunk().ok_or(Damaged)?;
        if layout != 0 {
            return Err(DecodeError::newer(Format::Parked, layout));
        }
        let length = u32::from_le_bytes([low, mid, high, 0]) as usize;
        let (reason, rest) = rest.split_at_checked(length).ok_or(Damaged)?;
        let (message, _, rest) = Message::read(rest)?;
        let reason = String::from_utf8(reason.to_vec()).map_err(|_| Damaged)?;
        let parked = Self { message, reason, time: Timestamp(u64::from_le_bytes(*time)) };
        if rest.is_empty() { Ok(parked) } else { Err(Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused};

    use super::*;
    use crate::message::Role;

    #[test]
    fn a_parked_message_reads_back() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let message = Message {
            to,
            from: None,
            handler: HandlerId::of("take"),
            role: Role::Plain,
            about: None,
            on_refused: OnRefused::Never,
            body: Box::from([1]),
            trace: None,
        };
        let parked = Parked { message, reason: "the handler panicked".to_owned(), time: Timestamp(5) };
        let value = parked.write();
        assert_eq!(Parked::read(&value), Ok(parked));
        assert_eq!(Parked::read(&value[..value.len() - 1]), Err(Damaged));
        let newer = [&value[..11], &[1], &value[12..]].concat();
        assert_eq!(Parked::read(&newer), Err(DecodeError::newer(Format::Parked, 1)));
    }
}

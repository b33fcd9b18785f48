//! The value of a parked message's cell: when and why it was parked, and the message.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/parked.rs`; planted `parked-lost`.

use apostate_core::Timestamp;

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
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let (time, rest) = value.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (reason, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (message, _, rest) = Message::read(rest).ok()?;
        let reason = String::from_utf8(reason.to_vec()).ok()?;
        rest.is_empty().then_some(Self { message, reason, time: Timestamp(u64::from_le_bytes(*time)) })
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused};

    use super::*;

    #[test]
    fn a_parked_message_reads_back() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let message = Message {
            to,
            from: None,
            handler: HandlerId::of("take"),
            on_refused: OnRefused::Never,
            body: vec![1],
            trace: None,
        };
        let parked = Parked { message, reason: "the handler panicked".to_owned(), time: Timestamp(5) };
        let value = parked.write();
        assert_eq!(Parked::read(&value), Some(parked));
        assert_eq!(Parked::read(&value[..value.len() - 1]), None);
    }
}

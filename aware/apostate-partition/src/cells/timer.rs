//! The cells of timers: when a message of an entity is due, and the message.
//!
//! ```text
//!   sub-key   ├ 0 ┼ id (8, big-endian) ┤     ├ 1 ┼ name … ┤     ├ 2 ┼ role (1) ┼ number (8, big-endian) ┤
//!   value     ├ flags ┼ due (8) ┼ order (8) ┼ message … ┤
//! ```
//!
//! The high half of `flags` is the number of the layout: 0. Its lowest bit says that the message is in the entity's inbox, and not here.
//! `order` is a number of the partition, given when the timer was set: of those that are due at one time, the lower is first. Other
//! integers are little-endian.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/stored.rs`.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::limits::TIMER_NAME_BYTES_MAX;
use apostate_core::{Address, TimerId, TimerKey, Timestamp};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::{self, Damaged};
use crate::format::{Format, layout_of};
use crate::message::{Message, Role};

/// The layout that this build writes, and the newest that it reads.
const LAYOUT: u8 = 0;

/// The message is in the inbox.
const POSTED: u8 = 1;

/// Bytes before the message.
const HEADER_BYTES: usize = 17;

const NUMBERED: u8 = 0;
const NAMED: u8 = 1;
const DEADLINE: u8 = 2;

/// A sub-key of the section: what knows the timer among those of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimerSub {
    /// The entity's code, by an id or a name.
    Of(TimerKey),
    /// The platform: the deadline of something that has this number, and whose messages have this role. Its message is handled in that
    /// role when it is due, and whatever it is about knows whether it comes too late.
    Deadline(Role, NonZeroU64),
}

impl TimerSub {
    /// The key of the cell.
    pub(crate) fn key(&self, address: &Address) -> Arc<[u8]> {
        let mut sub = Vec::with_capacity(10);
        match self {
            Self::Of(TimerKey::Numbered(TimerId(id))) => {
                sub.push(NUMBERED);
                sub.extend_from_slice(&id.to_be_bytes());
            }
            Self::Of(TimerKey::Named(name)) => {
                sub.push(NAMED);
                sub.extend_from_slice(name.as_bytes());
            }
            Self::Deadline(role, number) => {
                sub.extend_from_slice(&[DEADLINE, *role as u8]);
                sub.extend_from_slice(&number.get().to_be_bytes());
            }
        }
        cell::key(Section::Timers, address, &sub).into()
    }

    /// Whether the key is of a timer that the code of this entity has set.
    pub(crate) fn is_of_entity(key: &[u8], address: &Address) -> bool {
        let tag = key.get(cell::entity_bounds(Section::Timers, address).0.len());
        tag.is_some_and(|tag| *tag != DEADLINE)
    }

    /// Reads a sub-key.
    pub(crate) fn read(sub: &[u8]) -> Result<Self, DecodeError> {
        let (&tag, rest) = sub.split_first().ok_or(Damaged)?;
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).map_err(|_| Damaged);
        match tag {
            NUMBERED => Ok(Self::Of(TimerKey::Numbered(TimerId(number(rest)?)))),
            NAMED if (1..=TIMER_NAME_BYTES_MAX).contains(&rest.len()) => {
                let name = std::str::from_utf8(rest).map_err(|_| Damaged)?;
                Ok(Self::Of(TimerKey::Named(name.into())))
            }
            NAMED => Err(Damaged),
            DEADLINE => {
                let (&role, rest) = rest.split_first().ok_or(Damaged)?;
                Ok(Self::Deadline(Role::of(role)?, NonZeroU64::new(number(rest)?).ok_or(Damaged)?))
            }
            newer => Err(DecodeError::newer(Format::TimerKey, newer)),
        }
    }
}

/// A timer in memory, with the value of its cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    due: Timestamp,
    order: NonZeroU64,
    is_posted: bool,
    value: Arc<[u8]>,
}

impl Timer {
    /// A timer whose message is due then.
    pub(crate) fn new(due: Timestamp, order: NonZeroU64, message: &Message) -> Self {
        let mut value = Vec::with_capacity(HEADER_BYTES + message.length());
        write_header(LAYOUT << 4, due, order, &mut value);
        message.write(None, &mut value);
        Self { due, order, is_posted: false, value: value.into() }
    }

    /// The same timer, whose message is on its way to the entity.
    pub(crate) fn posted(&self) -> Self {
        let mut value = Vec::with_capacity(HEADER_BYTES);
        write_header(LAYOUT << 4 | POSTED, self.due, self.order, &mut value);
        Self { is_posted: true, value: value.into(), ..*self }
    }

    pub(crate) fn due(&self) -> Timestamp {
        self.due
    }

    /// The number that says which of several is first, and that its message has.
    pub(crate) fn order(&self) -> NonZeroU64 {
        self.order
    }

    /// Whether its message is on its way to the entity: it can still be cancelled.
    pub(crate) fn is_posted(&self) -> bool {
        self.is_posted
    }

    /// The value of its cell.
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    /// The message, of a timer that is not posted.
    pub(crate) fn message(&self) -> Result<Message, DecodeError> {
        let (message, _, []) = Message::read(self.value.get(HEADER_BYTES..).ok_or(Damaged)?)? else {
            return Err(Damaged);
        };
        Ok(message)
    }

    /// Reads the value of a cell of `of`.
    pub(crate) fn read(of: &Address, value: &[u8]) -> Result<Self, DecodeError> {
        let (_, flags) = layout_of(Format::Timer, *value.first().ok_or(Damaged)?, LAYOUT)?;
        let word = |at: usize| value.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
        let order = word(9).and_then(NonZeroU64::new).ok_or(Damaged)?;
        let timer =
            Self { due: Timestamp(word(1).ok_or(Damaged)?), order, is_posted: flags == POSTED, value: value.into() };
        match flags {
            POSTED if value.len() == HEADER_BYTES => {}
            0 if timer.message()?.from.as_ref() == Some(of) => {}
            _ => return Err(Damaged),
        }
        Ok(timer)
    }
}

fn write_header(flags: u8, due: Timestamp, order: NonZeroU64, bytes: &mut Vec<u8>) {
    bytes.push(flags);
    bytes.extend_from_slice(&due.0.to_le_bytes());
    bytes.extend_from_slice(&order.get().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, HandlerId, KindId, OnRefused};

    use super::*;

    fn tea() -> Address {
        Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"))
    }

    fn message() -> Message {
        Message {
            to: tea(),
            from: Some(tea()),
            handler: HandlerId::of("remind"),
            role: Role::Plain,
            about: None,
            on_refused: OnRefused::Never,
            body: vec![1, 2, 3].into(),
            trace: None,
        }
    }

    #[test]
    fn keys_of_timers_read_back() {
        let number = NonZeroU64::MIN;
        for sub in [
            TimerSub::Of(TimerKey::Numbered(TimerId(7))),
            TimerSub::Of(TimerKey::Named("reminder".into())),
            TimerSub::Deadline(Role::Plain, number),
        ] {
            let key = sub.key(&tea());
            let read = cell::read_key(&key).expect("a key");
            assert_eq!((read.section, TimerSub::read(read.sub)), (Section::Timers, Ok(sub)));
            for length in 0..read.sub.len().min(9) {
                let is_shorter_name = read.sub[0] == NAMED && length > 1;
                assert!(is_shorter_name || TimerSub::read(&read.sub[..length]).is_err(), "{length}");
            }
        }
        assert_eq!(TimerSub::read(&[3]), Err(DecodeError::newer(Format::TimerKey, 3)));
    }

    #[test]
    fn values_of_timers_read_back() {
        let timer = Timer::new(Timestamp(9), NonZeroU64::MIN, &message());
        for timer in [timer.clone(), timer.posted()] {
            assert_eq!(Timer::read(&tea(), timer.value()), Ok(timer.clone()));
            for length in 0..timer.value().len() {
                assert_eq!(Timer::read(&tea(), &timer.value()[..length]), Err(Damaged), "{length}");
            }
        }
        assert_eq!(timer.message(), Ok(message()));
        let mut newer = timer.value().to_vec();
        newer[0] = 0x10;
        assert_eq!(Timer::read(&tea(), &newer), Err(DecodeError::newer(Format::Timer, 1)));
        let other = Address::new(KindId::of("stock"), EntityKey::new("milk").expect("a key"));
        assert_eq!(Timer::read(&other, timer.value()), Err(Damaged), "it is another entity's");
    }
}

//! Everything that partitions did, as one number, and as lines for people if they want them.
//!
//! The same seed twice must give the same number: no clock, no address, no order of a hash map has leaked in.

use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Effect, Load};
use apostate_world::Moment;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::engine::WriterId;

/// The use that is made of the lines of `--tell`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// They are not made.
    #[default]
    Off,
    /// They are printed, for people.
    Printed,
    /// They are hashed, to be compared: see [`digest`](crate::digest).
    Hashed,
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    telling: Telling,
    /// Over the lines, if they are hashed.
    told: u64,
}

impl Trace {
    pub(crate) fn new(telling: Telling) -> Self {
        Self { hash: 0, telling, told: 0 }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// A partition wants something.
    pub(crate) fn effect(&mut self, now: Moment, writer: WriterId, effect: &Effect) {
        self.mix(now ^ writer.rotate_left(48));
        match effect {
            Effect::Append { at, record } => {
                self.mix(at.0);
                self.bytes(record);
            }
            Effect::Frame { to, bytes } => {
                self.mix(to.0);
                self.bytes(bytes);
            }
            Effect::Answer { ticket, answer: Answer::Done { reply, version } } => {
                self.mix(ticket ^ version.rotate_left(32));
                self.bytes(reply);
            }
            Effect::Load(Load::Entity(address)) => self.bytes(address.key().as_bytes()),
            Effect::WakeAt(at) => self.mix(at.0),
            Effect::Trim { before } => self.mix(before.0),
            other => self.bytes(format!("{other:?}").as_bytes()),
        }
        self.tell(|| format!("{:>10.3} writer {writer} {}", now as f64 / 1000.0, shown(effect)));
    }

    /// Something else happened, which people may want to know.
    pub(crate) fn note(&mut self, now: Moment, words: impl FnOnce() -> String) {
        self.tell(|| format!("{:>10.3} {}", now as f64 / 1000.0, words()));
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        match self.telling {
            Telling::Off => {}
            Telling::Printed => println!("{}", line()),
            Telling::Hashed => self.told = xxh3_64_with_seed(line().as_bytes(), self.told),
        }
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.hash = xxh3_64_with_seed(bytes, self.hash);
    }
}

fn shown(effect: &Effect) -> String {
    match effect {
        Effect::Append { at, record } => format!("append {at}: {} bytes", record.len()),
        Effect::Frame { to, bytes } => match Frame::read(bytes) {
            Ok(Frame::Messages { name, frame, messages }) => {
                format!("to {to}: frame {frame} of session {name:x}: {} bytes", messages.len())
            }
            Ok(frame) => format!("to {to}: {frame:x?}"),
            Err(error) => format!("to {to}: {error}"),
        },
        other => format!("{other:?}"),
    }
}

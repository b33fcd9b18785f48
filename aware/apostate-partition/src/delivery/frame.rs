//! Frames: messages of the delivery protocol between partitions, as bytes.
//!
//! The first byte is the number of the layout in its high half, 0, and the kind of frame in its low one; integers are little-endian; messages are laid out as in `message.rs`.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/frame.rs` and `conversation.rs`.

use apostate_log::PartitionId;

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format, layout_of};
use crate::range::Range;

/// The layout that this build speaks.
const LAYOUT: u8 = 0;

/// Which incarnation of a sender speaks: the map that made it, then its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation {
    /// Version of the map that made the sender.
    pub map_version: u64,
    /// The sender's epoch.
    pub epoch: u64,
}

impl Generation {
    /// The value of a row.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Self { map_version, epoch } = self;
        [map_version.to_le_bytes(), epoch.to_le_bytes()].concat()
    }

    /// Reads a row's value.
    pub(crate) fn from_bytes(value: &[u8]) -> Option<Self> {
        let (map_version, rest) = value.split_first_chunk()?;
        let epoch = rest.try_into().ok()?;
        Some(Self { map_version: u64::from_le_bytes(*map_version), epoch: u64::from_le_bytes(epoch) })
    }
}

/// A message of the delivery protocol from one partition to another.
///
/// The receiver asks for a session with a nonce, and the sender that answers names it: every later frame bears the
/// name. The nonce alone would not do: an old writer may answer it as well as a new one, and a writer may hear it twice;
/// what is frame 1 to one of them is not what it is to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Receiver: send me what you have for this range.
    Open {
        /// Comes back with the answer.
        nonce: u64,
        /// The receiver's range.
        range: Range,
    },
    /// Sender: this is who I am.
    Opened {
        /// The nonce that it was asked with.
        nonce: u64,
        /// The session's name, for ever.
        name: u64,
        /// The sender's range.
        range: Range,
        /// The sender's incarnation.
        generation: Generation,
        /// Each origin that it carries, ancestors first, its own last, with the floor: everything of the origin for
        /// this session up to this number has been acknowledged.
        origins: Vec<(PartitionId, u64)>,
        /// The highest number that the sender has given out.
        counter: u64,
        /// The highest number that this receiver has acknowledged, as far as the sender remembers: a receiver that holds less has
        /// lost the end of its log.
        acknowledged: u64,
    },
    /// Receiver: your floors are committed.
    Ready {
        /// The session.
        name: u64,
        /// Bytes that may be sent in this session in all.
        granted: u64,
        /// The highest number held of the sender's own origin.
        held: u64,
    },
    /// Sender: messages, ascending per origin.
    Messages {
        /// The session.
        name: u64,
        /// Number of the frame, from 1, dense.
        frame: u64,
        /// The messages, one after the other.
        messages: &'a [u8],
    },
    /// Receiver: everything up to this frame is durable.
    Ack {
        /// The session.
        name: u64,
        /// The highest frame whose record is durable.
        frame: u64,
        /// Bytes that may be sent in this session in all.
        granted: u64,
    },
    /// Receiver: somebody later than you has spoken for a part of your range. You are an old writer, or your log has
    /// lost its end.
    Refused {
        /// The session.
        name: u64,
        /// The later generation.
        generation: Generation,
    },
    /// Sender: I have something for you, and no session that moves.
    Stalled {
        /// The session that does not move; 0 if there is none.
        name: u64,
    },
}

impl Frame<'_> {
    /// The frame as bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |tag: u8, words: &[u64]| {
            out.push(tag);
            words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        };
        match self {
            Self::Open { nonce, range } => put(1, &[*nonce, range.first, range.last]),
            Self::Opened { nonce, name, range, generation, origins, counter, acknowledged } => {
                let Generation { map_version, epoch } = *generation;
                let count = origins.len() as u64;
                let own = [range.first, range.last, map_version, epoch, *counter, *acknowledged, count];
                put(2, &[&[*nonce, *name][..], &own[..]].concat());
                for (origin, floor) in origins {
                    out.extend_from_slice(&origin.0.to_le_bytes());
                    out.extend_from_slice(&floor.to_le_bytes());
                }
            }
            Self::Ready { name, granted, held } => put(3, &[*name, *granted, *held]),
            Self::Messages { name, frame, messages } => {
                put(4, &[*name, *frame]);
                out.extend_from_slice(messages);
            }
            Self::Ack { name, frame, granted } => put(5, &[*name, *frame, *granted]),
            Self::Stalled { name } => put(6, &[*name]),
            Self::Refused { name, generation } => put(7, &[*name, generation.map_version, generation.epoch]),
        }
        out
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// When the bytes are no whole frame, or a newer build has written it. The messages in one are not looked at.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&first, mut rest) = bytes.split_first().ok_or(Damaged)?;
        let (_, tag) = layout_of(Format::Frame, first, LAYOUT)?;
        let mut word = || -> Result<u64, DecodeError> {
            let (word, after) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
            rest = after;
            Ok(u64::from_le_bytes(*word))
        };
        let frame = match tag {
            1 => Self::Open { nonce: word()?, range: range(word()?, word()?)? },
            2 => {
                let (nonce, name, range) = (word()?, word()?, range(word()?, word()?)?);
                let generation = Generation { map_version: word()?, epoch: word()? };
                let (counter, acknowledged, count) = (word()?, word()?, word()?);
                let mut origins = Vec::new();
                for _ in 0..count {
                    origins.push((PartitionId(word()?), word()?));
                }
                Self::Opened { nonce, name, range, generation, origins, counter, acknowledged }
            }
            3 => Self::Ready { name: word()?, granted: word()?, held: word()? },
            4 => {
                let (name, frame) = (word()?, word()?);
                return Ok(Self::Messages { name, frame, messages: rest });
            }
            5 => Self::Ack { name: word()?, frame: word()?, granted: word()? },
            6 => Self::Stalled { name: word()? },
            7 => Self::Refused { name: word()?, generation: Generation { map_version: word()?, epoch: word()? } },
            0 => return Err(Damaged),
            newer => return Err(DecodeError::newer(Format::FrameKind, newer)),
        };
        if rest.is_empty() { Ok(frame) } else { Err(Damaged) }
    }
}

fn range(first: u64, last: u64) -> Result<Range, DecodeError> {
    if first <= last { Ok(Range { first, last }) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_no_part_of_it_does() {
        let generation = Generation { map_version: 2, epoch: 3 };
        let origins = vec![(PartitionId(1), 5), (PartitionId(4), 0)];
        for frame in [
            Frame::Open { nonce: 7, range: Range::WHOLE },
            Frame::Opened {
                nonce: 7,
                name: 5,
                range: Range::new(3, 9),
                generation,
                origins,
                counter: 8,
                acknowledged: 6,
            },
            Frame::Ready { name: 7, granted: 100, held: 6 },
            Frame::Ack { name: 7, frame: 2, granted: 200 },
            Frame::Stalled { name: 7 },
            Frame::Refused { name: 7, generation },
        ] {
            let bytes = frame.write();
            assert_eq!(Frame::read(&bytes), Ok(frame));
            for length in 0..bytes.len() {
                assert_eq!(Frame::read(&bytes[..length]), Err(Damaged));
            }
        }
        for (first, newer) in
            [(0x11, DecodeError::newer(Format::Frame, 1)), (0x08, DecodeError::newer(Format::FrameKind, 8))]
        {
            assert_eq!(Frame::read(&[first]), Err(newer));
        }
        let bytes = Frame::Messages { name: 7, frame: 1, messages: b"messages" }.write();
        assert_eq!(Frame::read(&bytes), Ok(Frame::Messages { name: 7, frame: 1, messages: b"messages" }));
    }
}

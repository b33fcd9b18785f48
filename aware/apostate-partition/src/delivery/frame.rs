//! What partitions say to each other, as bytes.
//!
//! The first byte is the kind of frame; integers are little-endian; messages are laid out as in `message.rs`.

use apostate_log::PartitionId;

use crate::Range;

/// Which incarnation of a sender speaks: the map that made it, then its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation {
    /// Version of the map that made the sender.
    pub map_version: u64,
    /// The sender's epoch.
    pub epoch: u64,
}

impl Generation {
    /// The name of the session that the receiver called `nonce` and this sender answered. An old writer may answer the
    /// same nonce as a new one: they must not share a session, for what one calls frame 1 is not what the other does.
    #[must_use]
    pub fn session(self, nonce: u64) -> u64 {
        let Self { map_version, epoch } = self;
        nonce ^ map_version.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ epoch.wrapping_mul(0xD1B5_4A32_D192_ED03)
    }
}

/// What one partition says to another. A session is called by its nonce: by the one that the receiver chose in `Open`
/// and `Opened`, and by what [`Generation::session`] makes of it in every later frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Receiver: send me what you have for this range; the session is called `nonce`.
    Open {
        /// The session.
        nonce: u64,
        /// The receiver's range.
        range: Range,
    },
    /// Sender: this is who I am.
    Opened {
        /// The session.
        nonce: u64,
        /// The sender's range.
        range: Range,
        /// The sender's incarnation.
        generation: Generation,
        /// Each origin that it carries, ancestors first, its own last, with the floor: everything of the origin for
        /// this session up to this number has been acknowledged.
        origins: Vec<(PartitionId, u64)>,
        /// The highest number that the sender has given out.
        counter: u64,
    },
    /// Receiver: your floors are committed.
    Ready {
        /// The session.
        nonce: u64,
        /// Bytes that may be sent in this session in all.
        granted: u64,
        /// The highest number held of the sender's own origin.
        held: u64,
    },
    /// Sender: messages, ascending per origin.
    Messages {
        /// The session.
        nonce: u64,
        /// Number of the frame, from 1, dense.
        frame: u64,
        /// The messages, one after the other.
        messages: &'a [u8],
    },
    /// Receiver: everything up to this frame is durable.
    Ack {
        /// The session.
        nonce: u64,
        /// The highest frame whose record is durable.
        frame: u64,
        /// Bytes that may be sent in this session in all.
        granted: u64,
    },
    /// Sender: I have something for you, and no session that moves.
    Knock {
        /// The session that does not move; 0 if there is none.
        nonce: u64,
    },
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame")]
pub struct NotAFrame;

impl Frame<'_> {
    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |tag: u8, words: &[u64]| {
            out.push(tag);
            words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        };
        match self {
            Self::Open { nonce, range } => put(1, &[*nonce, range.first, range.last]),
            Self::Opened { nonce, range, generation, origins, counter } => {
                let Generation { map_version, epoch } = *generation;
                put(2, &[*nonce, range.first, range.last, map_version, epoch, *counter, origins.len() as u64]);
                for (origin, floor) in origins {
                    out.extend_from_slice(&origin.0.to_le_bytes());
                    out.extend_from_slice(&floor.to_le_bytes());
                }
            }
            Self::Ready { nonce, granted, held } => put(3, &[*nonce, *granted, *held]),
            Self::Messages { nonce, frame, messages } => {
                put(4, &[*nonce, *frame]);
                out.extend_from_slice(messages);
            }
            Self::Ack { nonce, frame, granted } => put(5, &[*nonce, *frame, *granted]),
            Self::Knock { nonce } => put(6, &[*nonce]),
        }
        out
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// When the bytes are no whole frame. The messages in one are not looked at.
    pub fn read(bytes: &'a [u8]) -> Result<Self, NotAFrame> {
        let (&tag, mut rest) = bytes.split_first().ok_or(NotAFrame)?;
        let mut word = || {
            let (word, after) = rest.split_first_chunk::<8>().ok_or(NotAFrame)?;
            rest = after;
            Ok(u64::from_le_bytes(*word))
        };
        let frame = match tag {
            1 => Self::Open { nonce: word()?, range: range(word()?, word()?)? },
            2 => {
                let (nonce, range) = (word()?, range(word()?, word()?)?);
                let generation = Generation { map_version: word()?, epoch: word()? };
                let (counter, count) = (word()?, word()?);
                let mut origins = Vec::new();
                for _ in 0..count {
                    origins.push((PartitionId(word()?), word()?));
                }
                Self::Opened { nonce, range, generation, origins, counter }
            }
            3 => Self::Ready { nonce: word()?, granted: word()?, held: word()? },
            4 => {
                let (nonce, frame) = (word()?, word()?);
                return Ok(Self::Messages { nonce, frame, messages: rest });
            }
            5 => Self::Ack { nonce: word()?, frame: word()?, granted: word()? },
            6 => Self::Knock { nonce: word()? },
            _ => return Err(NotAFrame),
        };
        if rest.is_empty() { Ok(frame) } else { Err(NotAFrame) }
    }
}

fn range(first: u64, last: u64) -> Result<Range, NotAFrame> {
    if first <= last { Ok(Range { first, last }) } else { Err(NotAFrame) }
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
            Frame::Opened { nonce: 7, range: Range::new(3, 9), generation, origins, counter: 8 },
            Frame::Ready { nonce: 7, granted: 100, held: 6 },
            Frame::Ack { nonce: 7, frame: 2, granted: 200 },
            Frame::Knock { nonce: 7 },
        ] {
            let bytes = frame.write();
            assert_eq!(Frame::read(&bytes), Ok(frame));
            for length in 0..bytes.len() {
                assert_eq!(Frame::read(&bytes[..length]), Err(NotAFrame));
            }
        }
        let bytes = Frame::Messages { nonce: 7, frame: 1, messages: b"messages" }.write();
        assert_eq!(Frame::read(&bytes), Ok(Frame::Messages { nonce: 7, frame: 1, messages: b"messages" }));
    }
}

//! The value of a client key's cell: what was asked, when, and the answer.
//!
//! ```text
//!   ├ fingerprint (8) ┼ time (8) ┼ 0 done ┼ version (8) ┼ reply … ┤
//!                                ├ 1 refused ┼ refusal … ┤
//!                                ├ 2 pending ┼ number (8) ┤
//!                                ├ 3 expired ┤
//! ```
//!
//! The time is when the answer was given. Of one that is pending it is the last that there is: it never is too old.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/stored.rs`.

use apostate_core::{Refusal, Timestamp};

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format};
use crate::interface::Answer;

/// The answer that a client key got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) fingerprint: u64,
    pub(crate) time: Timestamp,
    pub(crate) answer: Answer,
}

const DONE: u8 = 0;
const REFUSED: u8 = 1;
const PENDING: u8 = 2;
const EXPIRED: u8 = 3;

impl Remembered {
    /// Appends the cell's value.
    pub(crate) fn write(fingerprint: u64, time: Timestamp, answer: &Answer, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&fingerprint.to_le_bytes());
        bytes.extend_from_slice(&time.0.to_le_bytes());
        match answer {
            Answer::Done { reply, version } => {
                bytes.push(DONE);
                bytes.extend_from_slice(&version.to_le_bytes());
                bytes.extend_from_slice(reply);
            }
            Answer::Refused(refusal) => {
                bytes.push(REFUSED);
                apostate_core::encode_into(refusal, bytes);
            }
            Answer::Pending { number } => {
                bytes.push(PENDING);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Answer::Expired => bytes.push(EXPIRED),
            Answer::Repeated(_) | Answer::Duplicate | Answer::Accepted | Answer::Failed(_) => {
                unreachable!("only what was done or refused is remembered")
            }
        }
    }

    /// When the key was used, of a cell's value that reads.
    pub(crate) fn time_of(bytes: &[u8]) -> Timestamp {
        let time = bytes.get(8..).and_then(<[u8]>::first_chunk);
        Timestamp(time.map_or(0, |time| u64::from_le_bytes(*time)))
    }

    /// Reads a cell's value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (fingerprint, rest) = bytes.split_first_chunk().ok_or(Damaged)?;
        let (time, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (&tag, rest) = rest.split_first().ok_or(Damaged)?;
        let answer = match tag {
            DONE => {
                let (version, reply) = rest.split_first_chunk().ok_or(Damaged)?;
                Answer::Done { reply: reply.to_vec(), version: u64::from_le_bytes(*version) }
            }
            REFUSED => Answer::Refused(apostate_core::decode::<Refusal>(rest).map_err(|_| Damaged)?),
            PENDING => Answer::Pending { number: u64::from_le_bytes(rest.try_into().map_err(|_| Damaged)?) },
            EXPIRED if rest.is_empty() => Answer::Expired,
            EXPIRED => return Err(Damaged),
            newer => return Err(DecodeError::newer(Format::Answer, newer)),
        };
        let time = Timestamp(u64::from_le_bytes(*time));
        Ok(Self { fingerprint: u64::from_le_bytes(*fingerprint), time, answer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_reads_back() {
        for answer in [
            Answer::Done { reply: vec![1, 2], version: 7 },
            Answer::Done { reply: vec![], version: 0 },
            Answer::Refused(Refusal::with_code("out-of-stock", "none left")),
            Answer::Pending { number: 7 },
            Answer::Expired,
        ] {
            let remembered = Remembered { fingerprint: 9, time: Timestamp(8), answer };
            let mut bytes = Vec::new();
            Remembered::write(9, Timestamp(8), &remembered.answer, &mut bytes);
            assert_eq!(Remembered::time_of(&bytes), Timestamp(8));
            assert_eq!(Remembered::read(&bytes), Ok(remembered));
            assert_eq!(Remembered::read(&bytes[..12]), Err(Damaged));
            bytes[16] = 9;
            assert_eq!(Remembered::read(&bytes), Err(DecodeError::newer(Format::Answer, 9)));
        }
    }
}

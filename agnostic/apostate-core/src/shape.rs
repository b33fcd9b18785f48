//! The shape of a MessagePack value, looked at before it is decoded: how deep it is nested, and whether all that it claims
//! to hold can be there.
//!
//! Decoding is recursive, and not every way down is counted by the library that we use: a value nested a hundred
//! thousand levels deep has a few hundred kilobytes, and would end the process. And it sets memory aside for what a list claims
//! to hold, so that lists in lists, each of which claims a million values, take a megabyte a level. So the bytes are
//! walked first, without recursion and without memory; unless so few of them could open a list or a map, and none a
//! long one, that there is no need to.

use crate::limits::NESTING_MAX;

/// Why a value is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The value is nested deeper than [`NESTING_MAX`].
    TooDeep,
    /// The lists and maps claim more values than there are bytes.
    CutShort,
}

/// Looks at the value at the start of `bytes`, which may be anything. Bytes that are no value are left to the decoder.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    if count(bytes, opens) <= NESTING_MAX && count(bytes, opens_long) == 0 { Ok(()) } else { walk(bytes) }
}

/// Whether what was encoded as `bytes` can be decoded.
pub(crate) fn is_shallow(bytes: &[u8]) -> bool {
    count(bytes, opens) <= NESTING_MAX || walk(bytes).is_ok()
}

/// Whether what was encoded as `bytes` can be decoded with so many lists and maps around it.
pub(crate) fn is_shallow_within(around: usize, bytes: &[u8]) -> bool {
    const LIST_OF_ONE: u8 = 0x91;
    count(bytes, opens) + around <= NESTING_MAX || walk(&[vec![LIST_OF_ONE; around].as_slice(), bytes].concat()).is_ok()
}

/// Whether the byte opens a list or a map, if it is a marker.
fn opens(byte: u8) -> bool {
    (byte & 0xE0 == 0x80) | opens_long(byte)
}

/// Whether the byte opens a list or a map that may be longer than 15, if it is a marker.
fn opens_long(byte: u8) -> bool {
    byte & 0xFC == 0xDC
}

/// How many bytes are so. Takes a small part of the time of a walk.
fn count(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> usize {
    // So short that a sum fits a byte: then the compiler adds many at a time.
    let chunks = bytes.chunks(usize::from(u8::MAX));
    chunks.map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(is_so(*byte))).sum::<u8>())).sum()
}

/// The meaning of one marker for what follows it.
enum Follows {
    /// This many bytes of the value itself.
    Bytes(usize),
    /// This many values.
    Values(u64),
}

fn walk(mut bytes: &[u8]) -> Result<(), Flaw> {
    // How many values have not ended at each level, and how many have not begun at any.
    let mut missing = [0_u64; NESTING_MAX];
    let (mut depth, mut owed) = (0, 1);
    loop {
        owed -= 1;
        match follows(&mut bytes) {
            None => return Ok(()),
            Some(Follows::Bytes(length)) => match bytes.get(length..) {
                Some(rest) => bytes = rest,
                None => return Ok(()),
            },
            Some(Follows::Values(0)) => {}
            Some(Follows::Values(_)) if depth == NESTING_MAX => return Err(Flaw::TooDeep),
            Some(Follows::Values(count)) => {
                owed += count;
                // Each value takes a byte at least.
                if owed > bytes.len() as u64 {
                    return Err(Flaw::CutShort);
                }
                missing[depth] = count;
                depth += 1;
                continue;
            }
        }
        // A value has ended, and with it every level of which it was the last one.
        loop {
            let Some(level) = depth.checked_sub(1) else { return Ok(()) };
            missing[level] -= 1;
            if missing[level] > 0 {
                break;
            }
            depth = level;
        }
    }
}

/// Reads a marker and its length; none at the end, or if there is no such marker.
fn follows(bytes: &mut &[u8]) -> Option<Follows> {
    let (&marker, rest) = bytes.split_first()?;
    *bytes = rest;
    let mut length = |width: usize| {
        let (length, rest) = bytes.split_at_checked(width)?;
        *bytes = rest;
        Some(length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte)))
    };
    let room = |length: Option<u64>, more: usize| {
        Some(Follows::Bytes(usize::try_from(length?).unwrap_or(usize::MAX).saturating_add(more)))
    };
    match marker {
        0x00..=0x7F | 0xC0 | 0xC2 | 0xC3 | 0xE0..=0xFF => Some(Follows::Bytes(0)),
        0x80..=0x8F => Some(Follows::Values(2 * u64::from(marker & 0x0F))),
        0x90..=0x9F => Some(Follows::Values(u64::from(marker & 0x0F))),
        0xA0..=0xBF => Some(Follows::Bytes(usize::from(marker & 0x1F))),
        0xC1 => None,
        0xC4 | 0xD9 => room(length(1), 0),
        0xC5 | 0xDA => room(length(2), 0),
        0xC6 | 0xDB => room(length(4), 0),
        0xC7 => room(length(1), 1),
        0xC8 => room(length(2), 1),
        0xC9 => room(length(4), 1),
        0xCC | 0xD0 => Some(Follows::Bytes(1)),
        0xCD | 0xD1 | 0xD4 => Some(Follows::Bytes(2)),
        0xCA | 0xCE | 0xD2 => Some(Follows::Bytes(4)),
        0xCB | 0xCF | 0xD3 => Some(Follows::Bytes(8)),
        0xD5 => Some(Follows::Bytes(3)),
        0xD6 => Some(Follows::Bytes(5)),
        0xD7 => Some(Follows::Bytes(9)),
        0xD8 => Some(Follows::Bytes(17)),
        0xDC => Some(Follows::Values(length(2)?)),
        0xDD => Some(Follows::Values(length(4)?)),
        0xDE => Some(Follows::Values(2 * length(2)?)),
        0xDF => Some(Follows::Values(2 * length(4)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `depth` levels of a list with something before and behind the next level.
    fn nested(depth: usize) -> Vec<u8> {
        [b"\x93\xA2no".repeat(depth), vec![0xC0], [0xCD, 1, 2].repeat(depth)].concat()
    }

    #[test]
    fn levels_are_counted_whatever_stands_between_them() {
        for check in [check, walk] {
            assert_eq!(check(&nested(NESTING_MAX)), Ok(()));
            assert_eq!(check(&nested(NESTING_MAX + 1)), Err(Flaw::TooDeep));
            assert_eq!(check(&nested(100_000)), Err(Flaw::TooDeep));
            // Siblings add nothing.
            let row = [&[0xDC, 1, 0][..], &nested(NESTING_MAX - 1).repeat(256)].concat();
            assert_eq!(check(&row), Ok(()));
        }
        assert!(is_shallow(&nested(NESTING_MAX)) && !is_shallow(&nested(NESTING_MAX + 1)));
    }

    #[test]
    fn a_list_that_claims_more_than_there_is_has_nothing_set_aside_for_it() {
        for claim in [&[0xDC, 0xFF, 0xFF][..], &[0xDD, 0xFF, 0xFF, 0xFF, 0xFF], &[0xDF, 0, 1, 0, 0]] {
            assert_eq!(check(&[claim, &[0xC0; 1000]].concat()), Err(Flaw::CutShort), "{claim:x?}");
            assert_eq!(check(&claim.repeat(100)), Err(Flaw::CutShort), "{claim:x?}");
        }
        // Each level alone could be there, but not all of them.
        assert_eq!(check(&[0xDC, 0, 100].repeat(40)), Err(Flaw::CutShort));
        assert_eq!(check(&[&[0xDC, 0, 100][..], &[0xC0; 100]].concat()), Ok(()));
    }

    #[test]
    fn a_value_of_every_form_is_walked_to_its_end() {
        let forms: [&[u8]; 18] = [
            &[0x7F],
            &[0xE0],
            &[0x81, 0x01, 0x02],
            &[0xC4, 2, 0x91, 0x91],
            &[0xC5, 0, 1, 0x91],
            &[0xC6, 0, 0, 0, 1, 0x91],
            &[0xC7, 1, 5, 0x91],
            &[0xCA, 0x91, 0x91, 0x91, 0x91],
            &[0xCB, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[0xCC, 0x91],
            &[0xD2, 0x91, 0x91, 0x91, 0x91],
            &[0xD4, 5, 0x91],
            &[0xD6, 5, 0x91, 0x91, 0x91, 0x91],
            &[0xD9, 1, 0x91],
            &[0xDA, 0, 1, 0x91],
            &[0xDD, 0, 0, 0, 1, 0xC0],
            &[0xDE, 0, 1, 0x01, 0x02],
            &[0xDF, 0, 0, 0, 1, 0x01, 0x02],
        ];
        for form in forms {
            // As the first of two in a list, it decides where the second one begins: a level too deep.
            let deep = |levels| [&[0x92][..], form, &[0x91].repeat(levels), &[0xC0]].concat();
            assert_eq!(walk(&deep(NESTING_MAX - 1)), Ok(()), "{form:x?}");
            assert_eq!(walk(&deep(NESTING_MAX)), Err(Flaw::TooDeep), "{form:x?}");
        }
    }

    #[test]
    fn what_is_no_value_is_left_to_the_decoder() {
        for end in [&[0xC1][..], &[0xC6, 0xFF, 0xFF, 0xFF, 0xFF], &[0xDC]] {
            assert_eq!(walk(&[&[0x91].repeat(NESTING_MAX - 1), end].concat()), Ok(()), "{end:x?}");
        }
    }
}

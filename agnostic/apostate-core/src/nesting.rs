//! How deep a MessagePack value is nested: asked before it is decoded, so that nobody can make the decoder run out of
//! stack.
//!
//! Decoding is recursive, and not every way down is counted by the library that we use. A value nested a
//! hundred thousand levels deep has a few hundred kilobytes, and would end the process. So the bytes are walked first,
//! without recursion and without memory.

use crate::limits::NESTING_MAX;

/// Whether the value at the start of `bytes` is nested at most [`NESTING_MAX`] levels deep. True also of bytes that are no
/// value: decoding will say so.
pub(crate) fn is_shallow(bytes: &[u8]) -> bool {
    // Each level takes a byte at least.
    bytes.len() <= NESTING_MAX || walk(bytes)
}

/// What one marker says of what follows it.
enum Follows {
    /// This many bytes of the value itself.
    Bytes(usize),
    /// This many values.
    Values(u64),
}

fn walk(mut bytes: &[u8]) -> bool {
    // How many values are missing at each level.
    let mut missing = [0_u64; NESTING_MAX];
    let mut depth = 0;
    loop {
        match follows(&mut bytes) {
            None => return true,
            Some(Follows::Bytes(length)) => match bytes.get(length..) {
                Some(rest) => bytes = rest,
                None => return true,
            },
            Some(Follows::Values(0)) => {}
            Some(Follows::Values(_)) if depth == NESTING_MAX => return false,
            Some(Follows::Values(count)) => {
                missing[depth] = count;
                depth += 1;
                continue;
            }
        }
        // A value has ended, and with it every level of which it was the last one.
        loop {
            let Some(level) = depth.checked_sub(1) else { return true };
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
        let before = [&[0x93, 0xA2][..], b"no", &[]].concat();
        [before.repeat(depth), vec![0xC0], vec![0xCD, 1, 2].repeat(depth)].concat()
    }

    #[test]
    fn levels_are_counted_whatever_stands_between_them() {
        assert!(is_shallow(&nested(NESTING_MAX)));
        assert!(!is_shallow(&nested(NESTING_MAX + 1)));
        assert!(!is_shallow(&nested(100_000)));
        // Siblings add nothing.
        let row = [&[0xDC, 1, 0][..], &nested(NESTING_MAX - 1).repeat(256)].concat();
        assert!(is_shallow(&row));
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
            assert!(is_shallow(&deep(NESTING_MAX - 1)), "{form:x?}");
            assert!(!is_shallow(&deep(NESTING_MAX)), "{form:x?}");
        }
    }

    #[test]
    fn what_is_no_value_is_left_to_the_decoder() {
        for end in [&[][..], &[0xC1], &[0xC6, 0xFF, 0xFF, 0xFF, 0xFF], &[0xDF, 0xFF, 0xFF, 0xFF, 0xFF], &[0xDC]] {
            assert!(is_shallow(&[&[0x91].repeat(NESTING_MAX - 1), end].concat()), "{end:x?}");
        }
    }
}

//! Whole numbers that JSON text writes with a point or an exponent: `5.0`, `1e3`.
//!
//! JSON Schema takes them for integers, and the reader of integers does not. They are judged by their digits and never as
//! doubles, for a double rounds: `0.99999999999999999999` would be taken for 1. Only text that an integer was refused for comes here.

/// Digits of the largest number of 128 bits.
const DIGITS_MAX: usize = 39;

/// Whether a zero with a sign is rewritten: an unsigned integer takes `0` alone, and a double can tell the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NegativeZero {
    /// The number stays as it is written.
    Kept,
    /// The number is written as `0`.
    Unsigned,
}

/// The same JSON with every whole number written in digits alone. None: they all were.
pub(super) fn in_digits(json: &str, zero: NegativeZero) -> Option<String> {
    let (mut text, mut rest, mut is_changed) = (String::with_capacity(json.len()), json, false);
    while let Some(at) = rest.find(|sign: char| matches!(sign, '"' | '-' | '0'..='9')) {
        let (between, from_here) = rest.split_at(at);
        let (token, behind) = from_here.split_at(token_bytes(from_here));
        text.push_str(between);
        match whole(token, zero) {
            Some(whole) => {
                text.push_str(&whole);
                is_changed = true;
            }
            None => text.push_str(token),
        }
        rest = behind;
    }
    text.push_str(rest);
    is_changed.then_some(text)
}

/// The length of the string or the number that `json` begins with.
pub(super) fn token_bytes(json: &str) -> usize {
    if !json.starts_with('"') {
        return json.find(|sign| !matches!(sign, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(json.len());
    }
    let mut is_escaped = false;
    let ends = |byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    };
    json.bytes().skip(1).position(ends).map_or(json.len(), |end| end + 2)
}

/// The digits of the whole number that `number` is equal to. None: it is not whole, is written in digits already, or is
/// longer than any integer.
fn whole(number: &str, zero: NegativeZero) -> Option<String> {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |unsigned| ("-", unsigned));
    if unsigned.starts_with('"') || !(unsigned.contains(['.', 'e', 'E']) || number == "-0") {
        return None;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [integer, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (sign.is_empty() || zero == NegativeZero::Unsigned).then(|| "0".to_owned());
    }
    // The number is `significant` times ten to the power of `zeros`: whole if that is no negative power.
    let exponent: i64 = exponent.parse().ok()?;
    let trimmed = i64::try_from(digits.len() - significant.len()).ok()?;
    let zeros = exponent.checked_add(trimmed)?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok().filter(|zeros| significant.len().saturating_add(*zeros) <= DIGITS_MAX)?;
    Some([sign, significant, &"0".repeat(zeros)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_by_its_digits_and_not_as_a_double() {
        for (number, expected) in [
            ("5.0", "5"),
            ("-5e0", "-5"),
            ("0.5e1", "5"),
            ("120e-1", "12"),
            ("1E+2", "100"),
            ("00e5", "0"),
            ("18446744073709551617.0", "18446744073709551617"),
            ("1.8446744073709551617e19", "18446744073709551617"),
            ("340282366920938463463374607431768211455.000", "340282366920938463463374607431768211455"),
            ("1e38", "100000000000000000000000000000000000000"),
        ] {
            assert_eq!(whole(number, NegativeZero::Kept).as_deref(), Some(expected), "{number}");
        }
        for other in [
            "5",
            "-5",
            "1.5",
            "0.99999999999999999999",
            "2.9999999999999999999",
            "-1.00000000000000000001",
            "1e-400",
            "1e39",
            "1e400",
            "1e99999999999999999999",
            "-0.0",
            "-0",
            "\"5.0\"",
        ] {
            assert_eq!(whole(other, NegativeZero::Kept), None, "{other}");
        }
    }

    /// Random whole numbers with their point at any place, and each with one digit too many behind it.
    #[test]
    fn a_whole_number_is_one_wherever_its_point_stands() {
        let mut seed = 5;
        for _ in 0..20_000 {
            let number = u128::from(bits(&mut seed)) << 64 | u128::from(bits(&mut seed));
            let digits = (number >> (bits(&mut seed) % 128)).max(1).to_string();
            let point = bits(&mut seed) as usize % digits.len() + 1;
            let (integer, fraction) = digits.split_at(point);
            let zeros = "0".repeat(bits(&mut seed) as usize % 5);
            let exponent = fraction.len();
            for (text, expected) in [
                (format!("{integer}.{fraction}{zeros}e{exponent}"), Some(digits.clone())),
                (format!("-{integer}.{fraction}{zeros}E+{exponent}"), Some(format!("-{digits}"))),
                (format!("0.{digits}e{}", digits.len()), Some(digits.clone())),
                (format!("{digits}{zeros}e-{}", zeros.len()), Some(digits.clone())),
                (format!("{digits}.{zeros}1"), None),
                (format!("{integer}.{fraction}{zeros}1e{exponent}"), None),
            ] {
                assert_eq!(whole(&text, NegativeZero::Kept), expected, "{text}");
            }
        }
    }

    /// SplitMix64.
    fn bits(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let bits = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    #[test]
    fn text_between_numbers_and_zeros_with_a_sign_stay() {
        let text = r#"{"a \\\" 5.0":[-5e0,1.5,-0.0,-0,"6.0",1e400]}"#;
        let kept = r#"{"a \\\" 5.0":[-5,1.5,-0.0,-0,"6.0",1e400]}"#;
        assert_eq!(in_digits(text, NegativeZero::Kept).as_deref(), Some(kept));
        let unsigned = r#"{"a \\\" 5.0":[-5,1.5,0,0,"6.0",1e400]}"#;
        assert_eq!(in_digits(text, NegativeZero::Unsigned).as_deref(), Some(unsigned));
        assert_eq!(in_digits("[1,-2,1.5]", NegativeZero::Unsigned), None);
    }
}

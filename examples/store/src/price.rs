//! Money as an integer: thousandths of a pound, read from decimals without rounding.

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceError {
    /// Not digits with at most one point between them, and at most one sign in front.
    NotDecimal,
    /// Finer than a thousandth.
    TooFine,
    /// More than can be counted.
    TooLarge,
}

impl std::fmt::Display for PriceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotDecimal => "not a decimal number such as 2.55",
            Self::TooFine => "more than three decimals",
            Self::TooLarge => "too large",
        })
    }
}

impl std::error::Error for PriceError {}

/// The thousandths that the decimal `text` stands for.
///
/// # Errors
///
/// When `text` is no decimal, is finer than a thousandth, or is out of range. Nothing is rounded.
///
/// ```
/// assert_eq!(store::price_milli("2.55"), Ok(2_550));
/// assert_eq!(store::price_milli("0.0001"), Err(store::PriceError::TooFine));
/// ```
pub fn price_milli(text: &str) -> Result<i64, PriceError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(PriceError::NotDecimal);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 3 {
        return Err(PriceError::TooFine);
    }
    let whole: i64 = whole.parse().map_err(|_| PriceError::TooLarge)?;
    let thousandths: i64 = format!("{fraction:0<3}").parse().map_err(|_| PriceError::TooLarge)?;
    whole
        .checked_mul(1000)
        .and_then(|milli| milli.checked_add(thousandths))
        .map(|milli| sign * milli)
        .ok_or(PriceError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        let cases = [
            ("0", 0),
            ("3", 3_000),
            ("2.55", 2_550),
            ("0.001", 1),
            ("0.1", 100),
            ("13541.33", 13_541_330),
            ("-11062.06", -11_062_060),
            ("-0.5", -500),
            ("1.5000", 1_500),
            ("007", 7_000),
        ];
        for (text, milli) in cases {
            assert_eq!(price_milli(text), Ok(milli), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused_and_never_rounded() {
        for text in ["", "-", ".", "1.", ".5", "1e3", "1,5", "£1", "+1", "--1", "1.2.3", " 1", "١"] {
            assert_eq!(price_milli(text), Err(PriceError::NotDecimal), "{text}");
        }
        assert_eq!(price_milli("0.0001"), Err(PriceError::TooFine));
        assert_eq!(price_milli("9223372036854775.808"), Err(PriceError::TooLarge));
        assert_eq!(price_milli("99999999999999999999"), Err(PriceError::TooLarge));
    }
}

//! Figures as people read them.

/// With a comma between thousands.
pub(crate) fn grouped(figure: impl Into<i128>) -> String {
    let figure = figure.into();
    let digits = figure.unsigned_abs().to_string();
    let mut text = if figure < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Thousandths of a pound, as pounds.
pub(crate) fn pounds(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let milli = milli.unsigned_abs();
    format!("{sign}£{}.{:03}", grouped(milli / 1000), milli % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_kept_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (-541_909, "-541,909"), (1_234_567, "1,234,567")];
        for (figure, text) in cases {
            assert_eq!(grouped(figure), text);
        }
    }

    #[test]
    fn pounds_keep_every_thousandth() {
        let cases = [(9_747_747_934, "£9,747,747.934"), (-22_124_120, "-£22,124.120"), (5, "£0.005"), (-5, "-£0.005")];
        for (milli, text) in cases {
            assert_eq!(pounds(milli), text);
        }
    }
}

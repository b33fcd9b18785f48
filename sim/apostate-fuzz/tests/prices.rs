//! Prices as the store reads them from a file: text that anybody may have typed.

use apostate_fuzz::mutate::{Rng, mutate};
use store::price_milli;

/// How a price is written that was read as this many thousandths.
fn written(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let milli = milli.unsigned_abs();
    format!("{sign}{}.{:03}", milli / 1000, milli % 1000)
}

#[test]
fn a_text_is_read_as_a_price_without_rounding_or_refused() {
    let (mut rng, mut read) = (Rng::new(1), 0);
    let texts = [&b"2.55"[..], b"-11062.06", b"0.001", b"9223372036854775.807", b"1e3", "£1".as_bytes()];
    for _ in 0..50_000 {
        let mut bytes = texts[rng.below(texts.len())].to_vec();
        mutate(&mut bytes, texts[rng.below(texts.len())], &mut rng);
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let Ok(milli) = price_milli(text) else { continue };
        read += 1;
        assert_eq!(price_milli(&written(milli)), Ok(milli), "{text}");
        // Without rounding: the digits that were there, but for zeros that say nothing.
        let plain = |text: &str| {
            let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
            let whole = whole.trim_start_matches(['-', '0']).to_owned();
            (whole, fraction.trim_end_matches('0').to_owned())
        };
        assert_eq!(plain(text), plain(&written(milli)), "{text}");
    }
    assert!(read > 1000, "{read}");
}

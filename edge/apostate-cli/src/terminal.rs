//! Texts of others on a terminal: what a node or an author says is shown, and steers nothing.

use std::borrow::Cow;

/// A text as a terminal may be shown it: what would steer the terminal is spelt out.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let steers = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(steers) {
        return text.into();
    }
    let spelt =
        text.chars().map(|letter| if steers(letter) { letter.escape_default().to_string() } else { letter.into() });
    spelt.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_the_terminal_is_spelt_out() {
        for (text, shown) in
            [("BANK CHARGES", "BANK CHARGES"), ("two\nlines", "two\nlines"), ("\u{1b}[2J", "\\u{1b}[2J")]
        {
            assert_eq!(visible(text), shown);
        }
    }
}

//! Inside one line: words, and comments.

/// The words of a line. An identifier is several: split at `_` and at the humps of camel case.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric()).flat_map(humps)
}

/// `openHTTPPort` → `open`, `HTTP`, `Port`.
fn humps(identifier: &str) -> Vec<&str> {
    let letters: Vec<(usize, char)> = identifier.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, &(at, letter)) in letters.iter().enumerate().skip(1) {
        let after_small = !letters[index - 1].1.is_uppercase();
        let before_small = letters.get(index + 1).is_some_and(|(_, next)| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            parts.push(&identifier[start..at]);
            start = at;
        }
    }
    parts.push(&identifier[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The text of a line of Rust that is a comment, without the slashes.
pub(super) fn comment(line: &str) -> Option<&str> {
    let comment = line.trim_start().strip_prefix("//")?;
    Some(comment.trim_start_matches(['/', '!']).trim())
}

/// Where `needle` stands in `line` with no letter, digit or `_` beside it.
pub(super) fn find_word(line: &str, needle: &str) -> Option<usize> {
    let part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(needle).map(|(at, _)| at).find(|&at| {
        !line[..at].chars().next_back().is_some_and(part_of_word)
            && !line[at + needle.len()..].chars().next().is_some_and(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_split_at_underscores_and_humps() {
        let split = |line| words(line).collect::<Vec<_>>().join(" ");
        assert_eq!(split("fn open_port(HTTPPort: PortId2)"), "fn open port HTTP Port Port Id2");
        assert_eq!(split("UNIX_EPOCH openABook"), "UNIX EPOCH open A Book");
    }

    #[test]
    fn a_comment_is_given_without_its_slashes() {
        assert_eq!(comment("    /// What it is."), Some("What it is."));
        assert_eq!(comment("//! A story."), Some("A story."));
        assert_eq!(comment("//"), Some(""));
        assert_eq!(comment("let a = 1; // one"), None);
    }

    #[test]
    fn a_word_inside_another_is_not_found() {
        assert_eq!(find_word("mastodon DONE", "DON"), None);
        assert_eq!(find_word("a DON, b", "DON"), Some(2));
        assert_eq!(find_word("DON_A DON", "DON"), Some(6));
    }
}

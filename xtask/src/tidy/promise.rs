//! We do not promise what nobody can keep.
//!
//! A message is *delivered* at least once and *applied* once. The other phrase, of delivery, is a claim that no
//! system can make, and it must not slip into our prose. The hyphenated form is always that claim; the words
//! apart are one only in a sentence that speaks of messages.

use crate::tidy::finding::Finding;
use crate::tidy::line;
use crate::tidy::tree::{File, Tree};

/// Beginnings of words that make a sentence one about delivery.
const DELIVERY: &[&str] = &["deliver", "messag", "send", "sent", "receiv", "process", "apply", "applies", "applied"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for paragraph in paragraphs(file) {
        for (number, sentence) in paragraph.sentences() {
            if is_claim(&sentence) {
                let message = "nobody can keep this; say delivered at least once, applied once";
                findings.push(Finding::refused(&file.path, number, &sentence, message));
            }
        }
    }
    findings
}

fn is_claim(sentence: &str) -> bool {
    let sentence = sentence.to_lowercase();
    let about_delivery =
        || sentence.split(|letter: char| !letter.is_alphabetic()).any(|word| starts_with_any(word, DELIVERY));
    sentence.contains("exactly-once") || (sentence.contains("exactly once") && about_delivery())
}

fn starts_with_any(word: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| word.starts_with(beginning))
}

/// Lines of prose that belong together, with their numbers.
#[derive(Default)]
struct Paragraph<'a> {
    lines: Vec<(usize, &'a str)>,
}

impl Paragraph<'_> {
    /// The sentences, each with the line on which it begins.
    fn sentences(&self) -> Vec<(usize, String)> {
        let mut sentences = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in &self.lines {
            for word in line.split_whitespace() {
                let (_, sentence) = open.get_or_insert_with(|| (*number, String::new()));
                sentence.push_str(word);
                sentence.push(' ');
                if word.trim_end_matches(['*', '_', '"', ')', '`']).ends_with(['.', '!', '?']) {
                    sentences.extend(open.take());
                }
            }
        }
        sentences.extend(open);
        sentences
    }
}

/// The prose of a file: all of Markdown, the comments of Rust.
fn paragraphs(file: &File) -> Vec<Paragraph<'_>> {
    let mut paragraphs = vec![Paragraph::default()];
    for (number, line) in file.lines() {
        let prose = match (file.is_markdown(), file.is_rust()) {
            (true, _) => Some(line),
            (_, true) => line::comment(line),
            _ => None,
        };
        match prose.filter(|prose| !prose.trim().is_empty()) {
            Some(prose) => paragraphs.last_mut().expect("there is one").lines.push((number, prose)),
            None => paragraphs.push(Paragraph::default()),
        }
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of each claim.
    fn claims(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn the_claim_is_found_in_prose_and_in_comments() {
        assert_eq!(claims("a.md", "One.\nWe deliver each message exactly once."), [2]);
        assert_eq!(claims("a.md", "With exactly-once semantics"), [1]);
        assert_eq!(claims("a.rs", "//! Messages are applied exactly\n//! once, always.\n"), [1]);
    }

    #[test]
    fn a_sentence_about_something_else_may_say_so() {
        assert!(claims("a.rs", "/// Every operation leaves it exactly once. Messages are sent.").is_empty());
        assert!(claims("a.rs", "let text = \"a message exactly once\";").is_empty());
    }

    #[test]
    fn sentences_of_different_paragraphs_are_kept_apart() {
        assert!(claims("a.md", "A message\n\nis read exactly once by its reader").is_empty());
    }
}

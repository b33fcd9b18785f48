//! A doc comment opens with the thing that it describes, not with a pronoun.
//!
//! *Its size* makes a reader look up whose; *Who wrote it* is a question. A noun first can be read alone, in a list
//! of items or in a search's results.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{File, Tree};

/// Words that no doc comment opens with.
const PRONOUNS: &[&str] =
    &["It", "It's", "Its", "Nobody", "Somebody", "What", "Whatever", "Who", "Whoever", "Whom", "Whose"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.is_rust()).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut above = None;
    for (number, line) in file.lines() {
        let doc = doc(line);
        if let (Some(text), None) = (doc, above)
            && let Some(pronoun) = opening_pronoun(text)
        {
            let message = format!("opens with `{pronoun}`; open with a noun that says what the thing is");
            findings.push(Finding::refused(&file.path, number, line, message));
        }
        above = doc;
    }
    findings
}

/// The text of a line that is a doc comment.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).filter(|text| !text.starts_with('/'))
}

fn opening_pronoun(text: &str) -> Option<&'static str> {
    let first = text.trim_start().split(|letter: char| !letter.is_alphanumeric() && letter != '\'').next()?;
    PRONOUNS.iter().copied().find(|pronoun| *pronoun == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("a.rs", text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_pronoun_first_is_refused() {
        for text in ["//! What this is.", "/// Its size.", "    /// Who wrote it, if anybody did.", "/// It's one."] {
            assert_eq!(refused(text), [1], "{text}");
        }
        assert_eq!(refused("//! A story.\n\n/// Nobody knows it.\nfn a() {}\n"), [3]);
    }

    #[test]
    fn a_noun_first_passes_and_so_does_any_later_line() {
        for text in
            ["/// The size.", "/// A size.\n///\n/// Its unit is the byte.", "/// Items.", "//// Its.", "// Its"]
        {
            assert_eq!(refused(text), [0; 0], "{text}");
        }
    }
}

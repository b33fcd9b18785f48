//! Every module opens with its story: before the first screen ends, a stranger knows what this is.
//!
//! The cases of a compile-fail test are no modules: each is one mistake, and its name says which.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

/// A story of fewer words is a title.
const WORDS_MIN: usize = 3;

/// Where the cases of compile-fail tests are kept.
const CASES: &str = "/tests/ui/";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust() && !file.path.contains(CASES)) {
        let opening = file.text.lines().next().unwrap_or_default();
        let told = opening.strip_prefix("//!").is_some_and(|story| story.split_whitespace().count() >= WORDS_MIN);
        if !told {
            let message = "opens without a story; say in `//!` what this is, and what it is not";
            findings.push(Finding::refused(&file.path, 1, opening, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(text: &str) -> bool {
        !check(&Tree::of(&[("a.rs", text)])).is_empty()
    }

    #[test]
    fn a_file_opens_with_its_story() {
        assert!(!refuses("//! What a warehouse has.\n\nuse std::fmt;\n"));
    }

    #[test]
    fn a_compile_fail_case_is_told_by_its_name() {
        assert!(check(&Tree::of(&[("a/tests/ui/gate_without_a_key.rs", "struct Gate;\n")])).is_empty());
        assert!(!check(&Tree::of(&[("a/tests/ui.rs", "fn main() {}\n")])).is_empty());
    }

    #[test]
    fn a_file_that_opens_with_code_or_nothing_or_a_title_is_refused() {
        for text in ["", "use std::fmt;\n", "\n//! What a warehouse has.\n", "//!\n", "//! Stock\n", "// Not a doc.\n"]
        {
            assert!(refuses(text), "{text:?}");
        }
    }
}

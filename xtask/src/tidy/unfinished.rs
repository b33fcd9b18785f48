//! Nothing is handed over half done: no marker for later, no test that does not run.

use crate::tidy::finding::Finding;
use crate::tidy::line;
use crate::tidy::tree::Tree;

/// Words that put something off.
const LATER: &[&str] = &["TODO", "FIXME", "todo!", "unimplemented!"];

/// Tests, and examples in the documentation, that are compiled at most.
const NOT_RUN: &[&str] = &["#[ignore", "```ignore", "```rust,ignore"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            if let Some(word) = LATER.iter().find(|word| line::find_word(line, word).is_some()) {
                let message = format!("`{word}` puts something off; do it, or leave it out and say so in an issue");
                findings.push(Finding::refused(&file.path, number, line, message));
            }
            if file.is_rust() && NOT_RUN.iter().any(|mark| line.contains(mark)) {
                let message = "a test that does not run proves nothing; make it pass, or delete it";
                findings.push(Finding::refused(&file.path, number, line, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(line: &str) -> bool {
        !check(&Tree::of(&[("a.rs", line)])).is_empty()
    }

    #[test]
    fn what_is_put_off_is_refused() {
        for line in ["// TODO: later", "fn f() { todo!() }", "unimplemented!(\"x\")", "/* FIXME */"] {
            assert!(refuses(line), "{line}");
        }
    }

    #[test]
    fn a_test_that_does_not_run_is_refused() {
        for line in ["#[ignore]", "    #[ignore = \"slow\"]", "/// ```ignore", "//! ```rust,ignore"] {
            assert!(refuses(line), "{line}");
        }
    }

    #[test]
    fn ordinary_words_are_not_meant() {
        for line in ["let todo = list();", "// they ignore it", "TODOS", "/// ```no_run", "todo = \"warn\""] {
            assert!(!refuses(line), "{line}");
        }
    }
}

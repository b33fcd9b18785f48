//! One idea a file: a long one holds two.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

/// Most lines of a file of Rust.
const LINES_MAX: usize = 400;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let lines = file.lines().count();
        if lines > LINES_MAX {
            let message = format!("{lines} lines, {LINES_MAX} at most; which of its ideas deserves a file of its own?");
            findings.push(Finding::refused(&file.path, 1, "", message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(path: &str, lines: usize) -> bool {
        !check(&Tree::of(&[(path, &"//\n".repeat(lines))])).is_empty()
    }

    #[test]
    fn the_first_line_over_the_limit_is_refused() {
        assert!(!refuses("a.rs", LINES_MAX));
        assert!(refuses("a.rs", LINES_MAX + 1));
    }

    #[test]
    fn prose_may_be_as_long_as_it_likes() {
        assert!(!refuses("a.md", LINES_MAX + 1));
    }
}

//! One idea a file: a long one asks for a reason, a very long one is refused without it.

use crate::tidy::tree::Tree;
use crate::tidy::{Finding, Weight};

/// Longer files ask for a reason.
const LINES_ASKED: usize = 400;

/// Longer files are refused.
const LINES_MAX: usize = 800;

const _: () = assert!(LINES_ASKED < LINES_MAX);

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let lines = file.lines().count();
        if lines > LINES_ASKED {
            let weight = if lines > LINES_MAX { Weight::Refused } else { Weight::Asked };
            let message = format!("{lines} lines; which of its ideas deserves a file of its own?");
            findings.push(Finding { weight, ..Finding::refused(&file.path, 1, "", message) });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(lines: usize) -> Option<Weight> {
        check(&Tree::of(&[("a.rs", &"//\n".repeat(lines))])).first().map(|finding| finding.weight)
    }

    #[test]
    fn a_long_file_is_asked_and_a_very_long_one_refused() {
        assert_eq!(weight(LINES_ASKED), None);
        assert_eq!(weight(LINES_ASKED + 1), Some(Weight::Asked));
        assert_eq!(weight(LINES_MAX), Some(Weight::Asked));
        assert_eq!(weight(LINES_MAX + 1), Some(Weight::Refused));
    }

    #[test]
    fn prose_may_be_as_long_as_it_likes() {
        assert!(check(&Tree::of(&[("a.md", &"\n".repeat(LINES_MAX + 1))])).is_empty());
    }
}

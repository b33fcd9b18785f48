//! Nothing that we publish knows the machine it was written on.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

/// Folders that every machine has, and each its own.
const FOLDERS: &[&str] = &["/work/", "/tmp/", "/root/", "/home/", "/Users/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            if let Some(folder) = FOLDERS.iter().find(|folder| starts_a_path(line, folder)) {
                let message = format!("`{folder}` is a place on one machine; take a temporary or relative folder");
                findings.push(Finding::refused(&file.path, number, line, message));
            }
        }
    }
    findings
}

/// Whether `folder` stands in `line` at the beginning of a path, not in the middle of one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "_.-}$>)*".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(line: &str) -> bool {
        !check(&Tree::of(&[("a.md", line)])).is_empty()
    }

    #[test]
    fn an_absolute_path_is_refused() {
        for line in ["see /work/x", "\"/tmp/data\"", "--data=/home/me/data", "file:///root/a", "(/Users/me)"] {
            assert!(refuses(line), "{line}");
        }
    }

    #[test]
    fn a_path_through_a_folder_of_that_name_is_not_meant() {
        for line in ["docs/home/page.md", "$ROOT/work/a", "https://example.com/home/", "../tmp/x", "/tmpfs"] {
            assert!(!refuses(line), "{line}");
        }
    }
}

//! Above the line nobody knows where things live: the words for it do not appear in `agnostic/`.
//!
//! Not in code, not in comments, not in file names; also not inside an identifier. A word that slips in is the
//! first sign of a dependency on scale.

use crate::tidy::Finding;
use crate::tidy::line;
use crate::tidy::tree::Tree;

/// Words of the scale-aware layer.
const BELOW_THE_LINE: &[&str] = &["partition", "node", "epoch", "shard"];

/// Calls of the standard library that happen to be named like one. They speak of lists.
const OF_LISTS: &[&str] = &[".partition(", ".partition_point("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with("agnostic/")) {
        if let Some(word) = word_below(&file.path) {
            findings.push(Finding::refused(&file.path, 1, "", message(word)));
        }
        for (number, line) in file.lines() {
            if let Some(word) = word_below(line) {
                findings.push(Finding::refused(&file.path, number, line, message(word)));
            }
        }
    }
    findings
}

fn word_below(text: &str) -> Option<&'static str> {
    let text = OF_LISTS.iter().fold(text.to_owned(), |text, call| text.replace(call, "("));
    line::words(&text).find_map(|word| {
        let one = word.strip_suffix('s').unwrap_or(&word);
        BELOW_THE_LINE.iter().copied().find(|below| *below == one)
    })
}

fn message(word: &str) -> String {
    format!("`{word}` is a word from below the line; say it without knowing where things live")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(path: &str, line: &str) -> bool {
        !check(&Tree::of(&[(path, line)])).is_empty()
    }

    #[test]
    fn the_words_are_found_wherever_they_hide() {
        for line in ["// a partition", "struct EpochId;", "let open_nodes = 1;", "/// Two SHARDS.", "UNIX_EPOCH"] {
            assert!(refuses("agnostic/a.rs", line), "{line}");
        }
        assert!(refuses("agnostic/x/src/partition.rs", ""));
    }

    #[test]
    fn words_that_only_contain_them_are_not_meant() {
        for line in ["// after a repartitioning", "// it is noded", "fn anode()", "// shared"] {
            assert!(!refuses("agnostic/a.rs", line), "{line}");
        }
    }

    #[test]
    fn a_list_may_be_divided() {
        assert!(!refuses("agnostic/a.rs", "let (a, b) = list.partition(|it| it.is_open());"));
        assert!(refuses("agnostic/a.rs", "let a = world.partition;"));
    }

    #[test]
    fn below_the_line_they_are_at_home() {
        assert!(!refuses("aware/a.rs", "struct Partition;"));
    }
}

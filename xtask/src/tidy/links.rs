//! Links lead somewhere: relative ones, those to headings, and paths named in backticks.
//!
//! A path in backticks counts when it begins with a room of the house (`docs/…`, `aware/…`); `order/42` is a key,
//! not a path. Links to the web are not followed, and links to items of the code are rustdoc's business.

use crate::tidy::finding::Finding;
use crate::tidy::markdown;
use crate::tidy::tree::{File, Tree};

/// The rooms of the house.
const ROOMS: &[&str] = &[".cargo", ".ci", "agnostic", "aware", "bench", "docs", "edge", "examples", "sim", "xtask"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.is_markdown()).flat_map(|file| check_file(tree, file)).collect()
}

fn check_file(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in markdown::prose(&file.text) {
        for link in markdown::links(line) {
            if !is_elsewhere(&link) && !leads_somewhere(tree, file, &link) {
                let message = format!("the link to `{link}` leads nowhere");
                findings.push(Finding::refused(&file.path, number, line, message));
            }
        }
        for span in markdown::code_spans(line) {
            if is_path(span) && !tree.has(span.trim_end_matches('/')) {
                findings.push(Finding::refused(&file.path, number, line, format!("there is no `{span}`")));
            }
        }
    }
    findings
}

fn is_elsewhere(link: &str) -> bool {
    let is_item = link.contains("::") || link.starts_with("macro@");
    is_item || link.contains("://") || link.starts_with("mailto:")
}

fn leads_somewhere(tree: &Tree, file: &File, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, path) };
    let Some(path) = path.filter(|path| tree.has(path)) else { return false };
    let text = tree.text(&path).unwrap_or_default();
    anchor.is_empty() || markdown::anchors(text).any(|it| it == anchor)
}

/// `link` as seen from the folder of `file`; nothing when it leaves the tree.
fn resolve(file: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_path(span: &str) -> bool {
    span.split_once('/').is_some_and(|(room, _)| ROOMS.contains(&room))
        && span.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let tree = Tree::of(&[("docs/a.md", text), ("docs/b/c.md", "# The Gate\n"), ("README.md", "")]);
        check(&tree).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let none: Vec<String> = Vec::new();
        assert_eq!(found("[c](b/c.md) [d](b/c.md#the-gate) [r](../README.md) [b](b/) [w](https://example.com)"), none);
        assert_eq!(found("[i](crate::Entity) [m](macro@entity)"), none);
        assert_eq!(found("# Here\n[here](#here)"), none);
    }

    #[test]
    fn links_that_lead_nowhere_are_refused() {
        assert_eq!(found("[x](c.md)").len(), 1);
        assert_eq!(found("[x](b/c.md#the-window)").len(), 1);
        assert_eq!(found("[x](#nowhere)").len(), 1);
        assert_eq!(found("[x](../../outside.md)").len(), 1);
    }

    #[test]
    fn a_path_in_backticks_exists() {
        assert_eq!(found("`docs/b/c.md` and `docs/b/`").len(), 0);
        assert_eq!(found("`docs/gone.md`"), ["there is no `docs/gone.md`"]);
        assert_eq!(found("`order/42` is a key, `docs/…` a pattern").len(), 0);
    }

    #[test]
    fn code_blocks_are_not_looked_into() {
        assert_eq!(found("```text\n[x](gone.md)\n```").len(), 0);
    }
}

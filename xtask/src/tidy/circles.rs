//! Inside a crate, imports form no circle: its files can be put in an order in which each builds on earlier ones.
//!
//! - A *module* is a file. A `mod { … }` inside a file belongs to it.
//! - An *import* leads from the file that says `use crate::…`, `use super::…`, or such a path in code, to the file
//!   that defines the name. Re-exports are followed, and are imports of the file that makes them. Declaring a module
//!   (`mod name;`) is not an import.
//! - A parent and its children are files like others: a child that uses what its parent defines, while the parent
//!   uses the child, is a circle.
//! - Left out: `#[cfg(test)]`, and everything outside `src/`.
//!
//! No other rule about order is needed: an import that runs upward, from a file that others build on to one that
//! builds on it, closes a circle by definition.
//!
//! Not seen: calls of methods. An `impl` in another file than its type can still reach around this rule.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tidy::finding::Finding;
use crate::tidy::modules::{Edge, Modules};
use crate::tidy::tree::Tree;

const MESSAGE: &str = "imports in a circle; move what both sides need below both";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for root in tree.files.iter().map(|file| file.path.as_str()).filter(|path| is_root(path)) {
        let edges = Modules::read(tree, root).edges();
        findings.extend(circles(&edges).iter().map(|circle| finding(circle)));
    }
    findings
}

fn is_root(path: &str) -> bool {
    let path = format!("/{path}");
    path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")
}

/// The shortest circle through each import that closes one, each circle once.
fn circles(edges: &[Edge]) -> Vec<Vec<&Edge>> {
    let mut by_source: BTreeMap<&str, Vec<&Edge>> = BTreeMap::new();
    for edge in edges {
        by_source.entry(&edge.source).or_default().push(edge);
    }
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for source in by_source.keys() {
        let Some(mut circle) = shortest_way_back(&by_source, source) else { continue };
        let first = (0..circle.len()).min_by_key(|&index| &circle[index].source).unwrap_or_default();
        circle.rotate_left(first);
        if seen.insert(circle.clone()) {
            circles.push(circle);
        }
    }
    circles
}

/// Breadth-first search from `start` to itself.
fn shortest_way_back<'a>(by_source: &BTreeMap<&str, Vec<&'a Edge>>, start: &str) -> Option<Vec<&'a Edge>> {
    let mut reached_by: BTreeMap<&str, &'a Edge> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for edge in by_source.get(file).into_iter().flatten() {
            if !reached_by.contains_key(edge.target.as_str()) {
                reached_by.insert(&edge.target, edge);
                queue.push_back(&edge.target);
            }
        }
    }
    let mut circle = vec![*reached_by.get(start)?];
    while circle[circle.len() - 1].source != start {
        circle.push(reached_by[circle[circle.len() - 1].source.as_str()]);
    }
    circle.reverse();
    Some(circle)
}

fn finding(circle: &[&Edge]) -> Finding {
    let first = circle[0];
    let steps: Vec<String> = circle.iter().map(|edge| format!("{}:{}", short(&edge.source), edge.line)).collect();
    let excerpt = format!("{} -> {}", steps.join(" -> "), short(&first.source));
    Finding::refused(&first.source, first.line, &excerpt, MESSAGE)
}

/// A file's path inside its crate.
fn short(path: &str) -> &str {
    path.rsplit_once("src/").map_or(path, |(_, short)| short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|finding| finding.excerpt).collect()
    }

    #[test]
    fn a_circle_is_printed_with_its_lines() {
        let files = [
            ("x/src/lib.rs", "mod a; mod b; mod c;"),
            ("x/src/a.rs", "\nuse crate::b::B; pub struct A;"),
            ("x/src/b.rs", "use crate::c::C; pub struct B;"),
            ("x/src/c.rs", "use crate::a::A; pub struct C;"),
        ];
        assert_eq!(found(&files), ["a.rs:2 -> b.rs:1 -> c.rs:1 -> a.rs"]);
    }

    #[test]
    fn a_child_that_uses_a_parent_that_uses_it_is_refused() {
        let files = [
            ("x/src/main.rs", "mod a;"),
            ("x/src/a.rs", "mod b; struct A(b::B);"),
            ("x/src/a/b.rs", "use super::A; pub struct B(A);"),
        ];
        assert_eq!(found(&files), ["a.rs:1 -> a/b.rs:1 -> a.rs"]);
    }

    #[test]
    fn what_stands_in_an_order_passes() {
        let files = [
            ("x/src/lib.rs", "mod a; mod b; pub use a::A;"),
            ("x/src/a.rs", "use crate::b::B; #[cfg(test)] mod tests { use crate::A; }"),
            ("x/src/b.rs", "mod c; pub use c::C; pub struct B;"),
            ("x/src/b/c.rs", "pub struct C;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn two_circles_are_both_found() {
        let files = [
            ("x/src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("x/src/a.rs", "use crate::b;"),
            ("x/src/b.rs", "use crate::a; use crate::c;"),
            ("x/src/c.rs", "use crate::d;"),
            ("x/src/d.rs", "use crate::c;"),
        ];
        assert_eq!(found(&files), ["a.rs:1 -> b.rs:1 -> a.rs", "c.rs:1 -> d.rs:1 -> c.rs"]);
    }
}

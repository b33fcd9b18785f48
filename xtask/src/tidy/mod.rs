//! The house rules that no other tool knows.
//!
//! One rule a file. A rule is a function from the tree to what it finds; it reads nothing by itself and changes
//! nothing. What a rule finds can be allowed, with a reason, in `xtask/tidy.toml`; an entry there that allows
//! nothing any more is a finding as well.

mod allow;
mod circles;
mod direction;
mod finding;
mod functions;
mod length;
mod line;
mod links;
mod machine;
mod markdown;
mod modules;
mod openers;
mod packaged;
mod packages;
mod promise;
mod story;
mod tokens;
mod tree;
mod unfinished;
mod words;

use std::path::Path;

use crate::failure::Failure;
use crate::tidy::allow::AllowList;
use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

/// Every rule, by the name that an exception gives.
const RULES: &[Rule] = &[
    Rule { name: "direction", check: direction::check },
    Rule { name: "circles", check: circles::check },
    Rule { name: "words", check: words::check },
    Rule { name: "length", check: length::check },
    Rule { name: "functions", check: functions::check },
    Rule { name: "openers", check: openers::check },
    Rule { name: "story", check: story::check },
    Rule { name: "machine", check: machine::check },
    Rule { name: "unfinished", check: unfinished::check },
    Rule { name: "links", check: links::check },
    Rule { name: "promise", check: promise::check },
    Rule { name: "packaged", check: packaged::check },
];

struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// Applies every rule to the tree at `root`, and prints what they find.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut tree = Tree::read(root)?;
    tree.packages = packages::read(root)?;
    let allowed = tree.text(allow::PATH).unwrap_or_default();
    let mut allow_list =
        AllowList::parse(allowed).map_err(|why| Failure::Malformed { what: "xtask/tidy.toml", why })?;
    let findings = findings(&tree, &mut allow_list);
    for (rule, finding) in &findings {
        println!("{finding} [{rule}]");
    }
    println!(
        "tidy: {} rules, {} files, {} packages; {} refused, {} allowed",
        RULES.len(),
        tree.files.len(),
        tree.packages.len(),
        findings.len(),
        allow_list.used(),
    );
    if findings.is_empty() { Ok(()) } else { Err(Failure::Untidy(findings.len())) }
}

/// Findings that no exception covers, and then a finding for each idle exception.
fn findings(tree: &Tree, allow_list: &mut AllowList) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    for rule in RULES {
        for finding in (rule.check)(tree) {
            if !allow_list.allows(rule.name, &finding) {
                findings.push((rule.name, finding));
            }
        }
    }
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    findings.extend(allow_list.idle(&rules).into_iter().map(|finding| ("allow", finding)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(tree: &Tree, allowed: &str) -> Vec<&'static str> {
        let mut allow_list = AllowList::parse(allowed).expect("the list is well formed");
        findings(tree, &mut allow_list).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn a_breach_with_a_reason_is_allowed_and_the_next_one_is_not() {
        let tree = Tree::of(&[("agnostic/a.rs", "//! Keeps one partition.\n// the epoch\n")]);
        let allowed = r#"
            [[allow]]
            rule = "words"
            path = "agnostic/a.rs"
            contains = "partition"
            reason = "a test"
        "#;
        assert_eq!(refusals(&tree, ""), ["words", "words"]);
        assert_eq!(refusals(&tree, allowed), ["words"]);
    }

    #[test]
    fn an_exception_for_nothing_is_a_finding() {
        let tree = Tree::of(&[("agnostic/a.rs", "//! Keeps one entity.\n")]);
        let allowed = "[[allow]]\nrule = \"words\"\npath = \"agnostic/a.rs\"\nreason = \"it was needed\"\n";
        assert_eq!(refusals(&tree, allowed), ["allow"]);
    }
}

//! The house rules that no other tool knows.
//!
//! One rule a file. A rule is a function from the tree to what it finds; it reads nothing by itself and changes
//! nothing. What a rule finds can be allowed, with a reason, in `xtask/tidy.toml`; an entry there that allows
//! nothing any more is a finding as well, so the list stays as short as the truth.

mod allow;
mod direction;
mod length;
mod line;
mod links;
mod machine;
mod markdown;
mod packages;
mod promise;
mod story;
mod tree;
mod unfinished;
mod words;

use std::fmt;
use std::path::Path;

use crate::failure::Failure;
use crate::tidy::allow::AllowList;
use crate::tidy::tree::Tree;

/// Where the exceptions stand, from the workspace's folder.
const ALLOWED: &str = "xtask/tidy.toml";

/// Every rule, by the name that an exception gives.
const RULES: &[Rule] = &[
    Rule { name: "direction", check: direction::check },
    Rule { name: "words", check: words::check },
    Rule { name: "length", check: length::check },
    Rule { name: "story", check: story::check },
    Rule { name: "machine", check: machine::check },
    Rule { name: "unfinished", check: unfinished::check },
    Rule { name: "links", check: links::check },
    Rule { name: "promise", check: promise::check },
];

struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from one. A finding about a file as a whole has line 1.
    line: usize,
    /// What is wrong and what to do about it.
    message: String,
    /// The words that were found. An exception may name a part of them.
    excerpt: String,
    weight: Weight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Fails the gate.
    Refused,
    /// Is said, and passes.
    Asked,
}

impl Finding {
    fn refused(path: &str, line: usize, excerpt: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            message: message.into(),
            excerpt: excerpt.trim().into(),
            weight: Weight::Refused,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, message, excerpt, weight } = self;
        let verb = match weight {
            Weight::Refused => "refused",
            Weight::Asked => "asked",
        };
        write!(f, "{path}:{line}: {verb}: {message}")?;
        if excerpt.is_empty() { Ok(()) } else { write!(f, "\n    {excerpt}") }
    }
}

/// Applies every rule to the tree at `root`, and prints what they find.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut tree = Tree::read(root)?;
    tree.packages = packages::read(root)?;
    let allowed = tree.text(ALLOWED).unwrap_or_default();
    let mut allow_list =
        AllowList::parse(allowed).map_err(|why| Failure::Malformed { what: "xtask/tidy.toml", why })?;
    let findings = findings(&tree, &mut allow_list);
    for (rule, finding) in &findings {
        println!("{finding} [{rule}]");
    }
    let refused = findings.iter().filter(|(_, finding)| finding.weight == Weight::Refused).count();
    println!(
        "tidy: {} rules, {} files, {} packages; {refused} refused, {} asked, {} allowed",
        RULES.len(),
        tree.files.len(),
        tree.packages.len(),
        findings.len() - refused,
        allow_list.used(),
    );
    if refused == 0 { Ok(()) } else { Err(Failure::Untidy(refused)) }
}

/// What the rules find and the list does not allow, and then what the list allows in vain.
fn findings(tree: &Tree, allow_list: &mut AllowList) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    for rule in RULES {
        for finding in (rule.check)(tree) {
            if !allow_list.allows(rule.name, &finding) {
                findings.push((rule.name, finding));
            }
        }
    }
    findings.extend(allow_list.idle(RULES).into_iter().map(|finding| ("allow", finding)));
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

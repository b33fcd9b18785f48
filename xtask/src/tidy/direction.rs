//! Dependencies point down through the house, never up.
//!
//! The paper's line between the scale-agnostic and the scale-aware layer is a folder boundary here, so a manifest
//! could cross it with one line. This rule reads every line of every manifest, those for tests too: what a test
//! above the line can see, the next author will use.

use crate::tidy::finding::Finding;
use crate::tidy::packages::Package;
use crate::tidy::tree::Tree;

/// Packages of the workspace that a package may use. A package that is not written here is refused.
struct Allowed {
    always: &'static [&'static str],
    in_tests: &'static [&'static str],
}

const NOBODY: Allowed = Allowed { always: &[], in_tests: &[] };

/// Entries that end with `/` stand for every package below that folder.
fn allowed(package: &Package) -> Allowed {
    match (package.name.as_str(), top(&package.folder)) {
        ("apostate-core", _) | (_, "xtask") => NOBODY,
        ("apostate-macros", _) => Allowed { in_tests: &["agnostic/"], ..NOBODY },
        (_, "agnostic") => Allowed { always: &["agnostic/"], in_tests: &["agnostic/"] },
        ("apostate-log", _) => NOBODY,
        ("apostate-partition", _) => Allowed { always: &["apostate-core", "apostate-log"], ..NOBODY },
        // Its client takes messages, which are of the layer above the line.
        ("apostate-api", _) => Allowed { always: &["apostate-core"], in_tests: &["agnostic/"] },
        ("apostate-cli", _) => Allowed { always: &["apostate-api"], in_tests: &["agnostic/", "edge/", "examples/"] },
        (_, "edge") => Allowed {
            always: &["agnostic/", "aware/", "apostate-api"],
            in_tests: &["agnostic/", "aware/", "edge/", "sim/", "examples/"],
        },
        (_, "sim") => Allowed {
            always: &["agnostic/", "aware/", "sim/"],
            in_tests: &["agnostic/", "aware/", "sim/", "examples/"],
        },
        // Entities and `main` in one package: the smallest that there is.
        ("hello", _) => Allowed { always: &["apostate", "apostate-server"], in_tests: &["apostate-test"] },
        (_, "examples") if is_domain(package) => {
            Allowed { always: &["apostate"], in_tests: &["apostate", "apostate-test"] }
        }
        (_, "examples" | "bench") => {
            let all = &["agnostic/", "aware/", "edge/", "examples/"];
            Allowed { always: all, in_tests: &["agnostic/", "aware/", "edge/", "sim/", "examples/"] }
        }
        _ => NOBODY,
    }
}

/// An example's entities are one package; its `main` is another, named after it, that ends in `-node`.
fn is_domain(package: &Package) -> bool {
    !package.name.ends_with("-node")
}

fn top(folder: &str) -> &str {
    folder.split('/').next().unwrap_or(folder)
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let allowed = allowed(package);
        for dependency in &package.dependencies {
            let Some(target) = tree.packages.iter().find(|it| it.name == dependency.name) else { continue };
            let mut list = allowed.always.iter().chain(allowed.in_tests.iter().filter(|_| dependency.for_tests));
            if target.name != package.name && !list.any(|entry| covers(entry, target)) {
                let manifest = format!("{}/Cargo.toml", package.folder);
                let message = format!("{} must not depend on {}", package.name, target.name);
                findings.push(Finding::refused(&manifest, 1, "", message));
            }
        }
    }
    findings
}

fn covers(entry: &str, target: &Package) -> bool {
    match entry.strip_suffix('/') {
        Some(folder) => top(&target.folder) == folder,
        None => target.name == entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::packages::Dependency;

    const HOUSE: &[(&str, &str)] = &[
        ("apostate", "agnostic/apostate"),
        ("apostate-core", "agnostic/apostate-core"),
        ("apostate-macros", "agnostic/apostate-macros"),
        ("apostate-log", "aware/apostate-log"),
        ("apostate-partition", "aware/apostate-partition"),
        ("apostate-server", "edge/apostate-server"),
        ("apostate-sim", "sim/apostate-sim"),
        ("apostate-test", "sim/apostate-test"),
        ("store", "examples/store"),
        ("store-node", "examples/store-node"),
        ("xtask", "xtask"),
    ];

    /// Whether `source` may depend on `target`.
    fn may(source: &str, target: &str, for_tests: bool) -> bool {
        let mut tree = Tree::default();
        for (name, folder) in HOUSE {
            let mut package = Package { name: name.to_string(), folder: folder.to_string(), dependencies: Vec::new() };
            if *name == source {
                package.dependencies.push(Dependency { name: target.into(), for_tests });
            }
            tree.packages.push(package);
        }
        check(&tree).is_empty()
    }

    #[test]
    fn nothing_above_the_line_sees_below_it() {
        for above in ["apostate", "apostate-core", "apostate-macros"] {
            for below in ["apostate-log", "apostate-partition", "apostate-server"] {
                assert!(!may(above, below, false), "{above} sees {below}");
                assert!(!may(above, below, true), "a test of {above} sees {below}");
            }
        }
    }

    #[test]
    fn the_partition_sees_core_and_log_only() {
        assert!(may("apostate-partition", "apostate-core", false));
        assert!(may("apostate-partition", "apostate-log", false));
        assert!(!may("apostate-partition", "apostate", false));
        assert!(!may("apostate-partition", "apostate-server", true));
    }

    #[test]
    fn a_simulation_never_sees_the_server() {
        assert!(may("apostate-sim", "apostate-partition", false));
        assert!(!may("apostate-sim", "apostate-server", false));
        assert!(!may("apostate-sim", "apostate-server", true));
    }

    #[test]
    fn a_domain_crate_sees_apostate_alone_and_its_main_sees_the_server() {
        assert!(may("store", "apostate", false));
        assert!(!may("store", "apostate-core", false));
        assert!(!may("store", "apostate-server", true));
        assert!(may("store-node", "apostate-server", false));
    }

    #[test]
    fn a_domain_crate_sees_the_authors_test_kit_in_its_tests_only() {
        assert!(may("store", "apostate-test", true));
        assert!(!may("store", "apostate-test", false));
        assert!(!may("store", "apostate-sim", true));
        assert!(!may("apostate", "apostate-test", true));
        assert!(!may("apostate-test", "apostate-server", false));
    }

    #[test]
    fn nothing_depends_on_the_chores_and_the_chores_on_nothing() {
        assert!(!may("apostate-server", "xtask", true));
        assert!(!may("xtask", "apostate", true));
    }

    #[test]
    fn crates_from_outside_are_not_this_rules_business() {
        assert!(may("apostate-core", "serde", false));
    }
}

//! A crate that is published is whole by itself: its package has its licences, a page about it, and every file that its code includes.
//!
//! A package holds what lies in the crate's folder and nothing else. What is kept elsewhere is linked into that folder, and the
//! package has a copy.

use crate::tidy::finding::Finding;
use crate::tidy::packages::Package;
use crate::tidy::tree::{File, Tree};

/// Files that every package has.
const FILES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Keys of its manifest by which a registry shows it.
const KEYS: &[&str] = &["description", "keywords", "categories", "license"];

/// Macros that read a file when the crate is compiled.
const INCLUDES: &[&str] = &["include_str!(", "include_bytes!("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let Some(text) = tree.text(&manifest) else { continue };
        if text.contains("publish = false") {
            continue;
        }
        let missing = |what: String| Finding::refused(&manifest, 1, "", what);
        let files = FILES.iter().filter(|file| !tree.has(&format!("{}/{file}", package.folder)));
        findings.extend(files.map(|file| missing(format!("its package has no {file}; write it, or link to it"))));
        let keys = KEYS.iter().filter(|key| !text.lines().any(|line| line.starts_with(*key)));
        findings.extend(keys.map(|key| missing(format!("`{key}` is not said, and a registry shows the crate by it"))));
        findings.extend(tree.files.iter().flat_map(|file| outside(package, file)));
    }
    findings
}

/// Files outside the package's folder that `file` includes.
fn outside(package: &Package, file: &File) -> Vec<Finding> {
    let Some(path) = file.path.strip_prefix(&format!("{}/", package.folder)).filter(|_| file.is_rust()) else {
        return Vec::new();
    };
    let depth = path.matches('/').count();
    let leaves = |line: &str| {
        let included = INCLUDES.iter().find_map(|name| line.split_once(name))?.1;
        let name = included.split('"').nth(1)?;
        (name.split('/').take_while(|part| *part == "..").count() > depth).then(|| name.to_owned())
    };
    let findings = file.lines().filter_map(|(number, line)| {
        let message =
            format!("`{}` is not in the package of {}; link it into the crate's folder", leaves(line)?, package.name);
        Some(Finding::refused(&file.path, number, line, message))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "description = \"a\"\nkeywords = []\ncategories = []\nlicense.workspace = true\n";

    /// The refusals of a crate `edge/a` with this manifest and this code.
    fn refusals(manifest: &str, code: &str, with_licences: bool) -> Vec<String> {
        let mut files = vec![("edge/a/Cargo.toml", manifest), ("edge/a/src/a/b.rs", code), ("edge/a/README.md", "a")];
        if with_licences {
            files.extend([("edge/a/LICENSE-MIT", ""), ("edge/a/LICENSE-APACHE", "")]);
        }
        let mut tree = Tree::of(&files);
        tree.packages.push(Package { name: "a".into(), folder: "edge/a".into(), dependencies: Vec::new() });
        check(&tree).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_file_outside_the_package_is_refused() {
        for inside in ["include_str!(\"../../docs/a.md\")", "include_bytes!(\"c.bin\")", "\"../../../a\""] {
            assert!(refusals(MANIFEST, inside, true).is_empty(), "{inside}");
        }
        for outside in ["include_str!(\"../../../a.md\")", "x => include_str!(concat!(\"../../../../docs/\", $code))"] {
            assert_eq!(refusals(MANIFEST, outside, true).len(), 1, "{outside}");
        }
    }

    #[test]
    fn licences_and_what_a_registry_shows_are_asked_for_where_something_is_published() {
        assert_eq!(refusals(MANIFEST, "", false).len(), 2);
        assert_eq!(refusals("description = \"a\"\nlicense = \"MIT\"\n", "", true).len(), 2);
        assert!(refusals("publish = false\n", "include_str!(\"../../../../a.md\")", false).is_empty());
    }
}

//! The workspace's packages, and what each says it depends on.
//!
//! Asks `cargo metadata` without resolving anything, so it needs no network and reads no lock file.

use std::env;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;

/// One package of the workspace.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    /// The package's folder, relative to the workspace.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a package's manifest.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Only tests, examples and benches see it.
    pub(super) for_tests: bool,
}

/// Reads the packages of the workspace at `root`.
pub(super) fn read(root: &Path) -> Result<Vec<Package>, Failure> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .map_err(|source| Failure::NoTool { tool: "cargo metadata".into(), source })?;
    let malformed = |why: String| Failure::Malformed { what: "the answer of cargo metadata", why };
    if !output.status.success() {
        return Err(malformed(String::from_utf8_lossy(&output.stderr).trim().into()));
    }
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| malformed(error.to_string()))?;
    packages(&answer).ok_or_else(|| malformed("a field is missing".into()))
}

fn packages(answer: &Value) -> Option<Vec<Package>> {
    let root = answer["workspace_root"].as_str()?;
    answer["packages"].as_array()?.iter().map(|package| self::package(root, package)).collect()
}

fn package(root: &str, package: &Value) -> Option<Package> {
    let manifest = package["manifest_path"].as_str()?;
    let folder = Path::new(manifest).parent()?.strip_prefix(root).ok()?;
    Some(Package {
        name: package["name"].as_str()?.into(),
        folder: folder.to_str()?.replace('\\', "/"),
        dependencies: package["dependencies"].as_array()?.iter().map(dependency).collect::<Option<_>>()?,
    })
}

fn dependency(dependency: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: dependency["name"].as_str()?.into(),
        for_tests: dependency["kind"].as_str() == Some("dev"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace");
        let packages = read(root).expect("cargo answers");
        let xtask = packages.iter().find(|package| package.name == "xtask").expect("it knows us");
        assert_eq!(xtask.folder, "xtask");
        assert!(xtask.dependencies.iter().any(|it| it.name == "toml" && !it.for_tests));
        assert!(xtask.dependencies.iter().any(|it| it.name == "tempfile" && it.for_tests));
    }
}

//! A crate outside this repository works as the README says: a copy of this one, with that `Cargo.toml`, compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The lines of a page's TOML that name packages by path.
fn fragment(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).expect("the page is there");
    let mut blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let toml = blocks.find(|block| block.contains("dependencies]")).expect("a fragment that names packages");
    toml.lines().map(str::to_owned).collect()
}

#[test]
fn a_copy_outside_compiles_with_the_fragment_of_the_readme() {
    let dir = tempfile::tempdir().expect("a directory");
    for file in ["src/lib.rs", "src/main.rs", "tests/seeds.rs"] {
        let copy = dir.path().join(file);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("made");
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), copy).expect("copied");
    }
    let root = root();
    let fragment = fragment("README.md").join("\n").replace("../apostate/", &format!("{}/", root.display()));
    let head = "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n";
    // Compiled as this workspace compiles it, so that next to nothing has to be compiled again.
    let profile = "\n[workspace]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n";
    fs::write(dir.path().join("Cargo.toml"), format!("{head}{fragment}\n{profile}")).expect("written");
    // The versions that are here already.
    fs::copy(root.join("Cargo.lock"), dir.path().join("Cargo.lock")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--all-targets", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside"))
        .current_dir(dir.path())
        .output()
        .expect("cargo is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_pages_name_packages_as_the_readme_does() {
    let readme = fragment("README.md");
    for page in ["agnostic/apostate/docs/tour.md", "sim/apostate-test/docs/testing.md"] {
        for line in fragment(page) {
            assert!(readme.contains(&line), "{line} of {page}");
        }
    }
}

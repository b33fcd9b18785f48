//! A crate outside this repository works as the README says: a copy of this one, with that `Cargo.toml`, compiles.

mod outside_project;

use std::fs;
use std::path::Path;

use outside_project::{check_compiles, root};

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
    check_compiles(dir.path(), &format!("{head}{fragment}"));
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

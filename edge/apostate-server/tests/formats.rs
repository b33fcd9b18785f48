//! Directories that were written by this build and by those before it, opened by this one.
//!
//! `cargo xtask fixtures NAME` writes another, when a layout has changed; those that are there stay as they are. Layouts are listed in
//! `docs/design/formats.md`.

mod common;
mod fixtures;

use std::path::{Path, PathBuf};

use common::directory;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("copied");
        }
    }
}

#[test]
fn directories_of_earlier_builds_open_with_all_that_is_in_them() {
    let mut names: Vec<_> =
        std::fs::read_dir(data()).expect("fixtures").map(|entry| entry.expect("readable").file_name()).collect();
    names.sort();
    assert!(names.len() >= 2, "the layout before this one, and this one: {names:?}");
    for name in names {
        eprintln!("{}", name.display());
        let dir = directory();
        copy(&data().join(&name), &dir.path().join("data"));
        fixtures::check(&dir.path().join("data"));
    }
}

#[test]
fn a_directory_of_this_build_opens_with_all_that_is_in_it() {
    let dir = directory();
    fixtures::write(dir.path());
    fixtures::check(dir.path());
}

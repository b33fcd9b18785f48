//! Clippy really refuses what the `clippy.toml` files ban, in the folders where they stand.
//!
//! A ban that is misspelt, or a file that clippy does not find, would look just like clean code. So each list is
//! put above a small package that makes every call in it, and clippy has to name them all. Calls into crates from
//! outside are left out here: the package depends on nothing, so that the test needs no network.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A function that makes each call of the standard library that a list may ban.
const CALLS: &[(&str, &str)] = &[
    ("std::time::Instant::now", "fn f() { let _ = std::time::Instant::now(); }"),
    ("std::time::SystemTime::now", "fn f() { let _ = std::time::SystemTime::now(); }"),
    ("std::thread::spawn", "fn f() { let _ = std::thread::spawn(|| ()); }"),
    ("std::thread::scope", "fn f() { std::thread::scope(|_| ()); }"),
    ("std::thread::Builder::spawn", "fn f() { let _ = std::thread::Builder::new().spawn(|| ()); }"),
    ("std::thread::sleep", "fn f() { std::thread::sleep(std::time::Duration::ZERO); }"),
    ("std::fs::read", "fn f() { let _ = std::fs::read(\"a\"); }"),
    ("std::fs::write", "fn f() { let _ = std::fs::write(\"a\", \"\"); }"),
    ("std::fs::File::open", "fn f() { let _ = std::fs::File::open(\"a\"); }"),
    ("std::fs::File::create", "fn f() { let _ = std::fs::File::create(\"a\"); }"),
    ("std::fs::OpenOptions::open", "fn f() { let _ = std::fs::OpenOptions::new().read(true).open(\"a\"); }"),
    ("std::env::var", "fn f() { let _ = std::env::var(\"A\"); }"),
    ("std::collections::HashMap::iter", "fn f(m: M) { let _ = m.iter(); }"),
    ("std::collections::HashMap::iter_mut", "fn f(mut m: M) { let _ = m.iter_mut(); }"),
    ("std::collections::HashMap::keys", "fn f(m: M) { let _ = m.keys(); }"),
    ("std::collections::HashMap::values", "fn f(m: M) { let _ = m.values(); }"),
    ("std::collections::HashMap::values_mut", "fn f(mut m: M) { let _ = m.values_mut(); }"),
    ("std::collections::HashMap::into_keys", "fn f(m: M) { let _ = m.into_keys(); }"),
    ("std::collections::HashMap::into_values", "fn f(m: M) { let _ = m.into_values(); }"),
    ("std::collections::HashMap::drain", "fn f(mut m: M) { let _ = m.drain(); }"),
    ("std::collections::HashMap::extract_if", "fn f(mut m: M) { let _ = m.extract_if(|_, _| true); }"),
    ("std::collections::HashSet::iter", "fn f(s: S) { let _ = s.iter(); }"),
    ("std::collections::HashSet::drain", "fn f(mut s: S) { let _ = s.drain(); }"),
    ("std::collections::HashSet::extract_if", "fn f(mut s: S) { let _ = s.extract_if(|_| true); }"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace").into()
}

/// The calls that the list in `folder` bans.
fn banned(folder: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(workspace().join(folder).join("clippy.toml")).expect("the folder has a list");
    let table: toml::Table = text.parse().expect("the list is well formed");
    let entries = table["disallowed-methods"].as_array().expect("the list is a list");
    entries.iter().map(|entry| entry["path"].as_str().expect("every entry names a call").into()).collect()
}

/// The calls that clippy refuses in a package inside `folder`.
fn refused(folder: &str) -> BTreeSet<String> {
    let root = tempfile::tempdir().expect("a temporary folder");
    let package = root.path().join(folder).join("probe");
    fs::create_dir_all(package.join("src")).expect("a folder");
    fs::copy(workspace().join(folder).join("clippy.toml"), root.path().join(folder).join("clippy.toml"))
        .expect("copied");
    fs::write(package.join("Cargo.toml"), "[package]\nname = \"probe\"\nedition = \"2024\"\n[workspace]\n")
        .expect("a file");
    fs::write(package.join("src/lib.rs"), source()).expect("a file");
    let output = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--offline", "--color", "never", "--target-dir", "target"])
        .env_remove("CLIPPY_CONF_DIR")
        .current_dir(&package)
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let names = said.lines().filter_map(|line| line.split_once("use of a disallowed method `"));
    names.map(|(_, rest)| rest.trim_end_matches('`').to_string()).collect()
}

fn source() -> String {
    let mut source = String::from(
        "#![allow(dead_code)]\ntype M = std::collections::HashMap<u8, u8>;\ntype S = std::collections::HashSet<u8>;\n",
    );
    for (number, (_, call)) in CALLS.iter().enumerate() {
        source.push_str(&call.replacen("fn f(", &format!("fn f{number}("), 1));
        source.push('\n');
    }
    source
}

/// Clippy refuses in `folder` just what its list bans, and the list bans nothing that is not tried here.
fn check(folder: &str) {
    let banned: BTreeSet<String> = banned(folder).into_iter().filter(|path| path.starts_with("std::")).collect();
    assert!(!banned.is_empty());
    assert_eq!(refused(folder), banned);
}

#[test]
fn above_the_line_every_banned_call_is_refused() {
    check("agnostic");
}

#[test]
fn below_the_line_every_banned_call_is_refused() {
    check("aware");
}

#[test]
fn in_the_partition_every_banned_call_is_refused() {
    check("aware/apostate-partition");
}

#[test]
fn the_partition_is_as_strict_as_what_lies_above_the_line_and_more_than_its_neighbours() {
    assert_eq!(banned("aware/apostate-partition"), banned("agnostic"));
    assert!(banned("aware").is_subset(&banned("agnostic")));
}

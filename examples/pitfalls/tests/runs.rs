//! The gallery as a visitor sees it: it runs, and makes its point with any seed.

use std::process::{Command, Output};

fn visit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pitfalls-node")).args(arguments).output().expect("the gallery is open")
}

#[test]
fn every_picture_is_shown_and_makes_its_point() {
    let output = visit(&["42"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    let is_picture = |line: &&str| line.ends_with("  0       0");
    assert_eq!(table.lines().filter(is_picture).count(), 7, "{table}");
}

#[test]
fn what_is_no_seed_is_refused_with_what_to_try() {
    let output = visit(&["soon"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("-- 42"));
}

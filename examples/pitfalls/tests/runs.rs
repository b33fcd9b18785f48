//! The program as it is run by hand: it makes its point with any seed.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pitfalls-node")).args(arguments).output().expect("the program runs")
}

#[test]
fn every_pitfall_is_shown_and_makes_its_point() {
    let output = run(&["42"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    let is_pitfall = |line: &&str| line.ends_with("  0       0");
    assert_eq!(table.lines().filter(is_pitfall).count(), 7, "{table}");
}

#[test]
fn a_wrong_seed_is_refused_with_what_to_try() {
    let output = run(&["soon"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("-- 42"));
}

//! The command that a newcomer runs first: made-up orders, totals, and what to try next.

mod support;

use support::program::{self, Log, program};

#[test]
fn the_demonstration_can_be_run_again_and_comes_to_the_same_totals() {
    let place = Log::new(1, 1);
    let data = place.place("data");
    let demonstrate = || {
        let output = program::run(program(&["demo", "--orders", "300", "--data", data.to_str().expect("a path")]));
        String::from_utf8(output.stdout).expect("text")
    };
    let (first, second) = (demonstrate(), demonstrate());
    let without_pace = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert!(first.contains("What to try next"), "{first}");
    assert_eq!(without_pace(&first), without_pace(&second));
}

#[test]
fn without_a_directory_it_leaves_nothing_behind() {
    let place = Log::new(1, 1);
    let mut demonstrate = program(&["demo", "--orders", "20"]);
    demonstrate.env("TMPDIR", place.place("")).env("TMP", place.place(""));
    let before = entries(&place);
    program::run(demonstrate);
    assert_eq!(entries(&place), before);
}

fn entries(place: &Log) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(place.place("")).expect("a directory");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

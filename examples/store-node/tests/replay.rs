//! A made-up log with every oddity is replayed to exactly the tables and totals that its lines come to, whatever
//! the number of partitions, and however often.

mod support;

use std::io::Write;
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::expected;
use support::made_up::{self, Row};
use support::program::{self, Log};

/// Lines of the made-up log.
const LINES: usize = 3_000;

/// The totals that `--json` prints are those of the log.
fn check_totals(output: &Output, rows: &[Row]) {
    let json = program::last_json(output);
    for (name, expected) in expected::totals(rows) {
        let found = json.pointer(name).unwrap_or_else(|| panic!("{name} is not in {json}"));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_tables_are_the_same_for_every_number_of_partitions() {
    let log = Log::new(1, LINES);
    let tables = expected::tables(&log.rows);
    for partitions in ["1", "2", "7"] {
        let data = log.place(partitions);
        let output = program::run(program::replay(&log.path(), &data, &["--partitions", partitions]));
        check_totals(&output, &log.rows);
        program::check_exports(&data, &tables, &format!("{partitions} partitions"));
    }
}

#[test]
fn a_log_replayed_again_counts_nothing_twice() {
    let log = Log::new(2, LINES);
    let tables = expected::tables(&log.rows);
    let data = log.place("data");
    for round in 1..=3 {
        let output = program::run(program::replay(&log.path(), &data, &[]));
        check_totals(&output, &log.rows);
        let new = program::last_json(&output)["run"]["lines_new"].clone();
        assert_eq!(new, if round == 1 { log.rows.len() } else { 0 }, "round {round}");
        program::check_exports(&data, &tables, &format!("round {round}"));
    }
}

#[test]
fn a_log_that_has_grown_is_continued_and_another_log_is_added() {
    let (log, other) = (Log::new(3, LINES), Log::new(4, 300));
    let data = log.place("data");
    let beginning = log.place("beginning.csv");
    std::fs::write(&beginning, made_up::file(&log.rows[..LINES / 2])).expect("the log is written");
    program::run(program::replay(&beginning, &data, &[]));
    program::check_exports(&data, &expected::tables(&log.rows[..LINES / 2]), "the beginning");

    let output = program::run(program::replay(&log.path(), &data, &[]));
    check_totals(&output, &log.rows);
    program::check_exports(&data, &expected::tables(&log.rows), "all of it");

    // Invoices of the other log have numbers of their own, so that each keeps one customer.
    let mut rows = other.rows.clone();
    rows.iter_mut().for_each(|row| row.invoice.push('x'));
    std::fs::write(other.path(), made_up::file(&rows)).expect("the log is written");
    let output = program::run(program::replay(&other.path(), &data, &[]));
    let both = [log.rows.clone(), rows].concat();
    check_totals(&output, &both);
    program::check_exports(&data, &expected::tables(&both), "both logs");
}

#[test]
fn a_cache_much_smaller_than_the_data_changes_nothing() {
    let log = Log::new(6, LINES);
    let data = log.place("data");
    let sizes = ["--partitions", "1", "--cache-bytes", "65536", "--checkpoint-log-bytes", "65536"];
    for round in 1..=2 {
        let output = program::run(program::replay(&log.path(), &data, &sizes));
        check_totals(&output, &log.rows);
        program::check_exports(&data, &expected::tables(&log.rows), &format!("round {round}"));
    }
}

#[test]
fn gzip_is_known_by_its_content() {
    let log = Log::new(5, 300);
    let packed = log.place("orders");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(made_up::file(&log.rows).as_bytes()).expect("memory takes everything");
    std::fs::write(&packed, gzip.finish().expect("memory takes everything")).expect("the log is written");
    let data = log.place("data");
    program::run(program::replay(&packed, &data, &[]));
    program::check_exports(&data, &expected::tables(&log.rows), "gzip");
}

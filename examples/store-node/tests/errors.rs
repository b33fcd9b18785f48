//! Errors name their place and their cause, change nothing, and end with the next thing to try.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use support::expected;
use support::made_up::{self, quoted};
use support::program::{self, Log, program, replay, run_badly, run_to};

/// The file cannot be replayed, for this reason, and nothing of it arrives.
fn check_bad_file(name: &str, text: &[u8], reason: &str) {
    let log = Log::new(1, 50);
    let data = log.place("data");
    program::run(replay(&log.path(), &data, &[]));
    let bad = log.place(name);
    std::fs::write(&bad, text).expect("the file is written");
    let errors = run_badly(replay(&bad, &data, &[]));
    assert!(errors.contains(&format!("{}{reason}", bad.display())), "{errors}");
    assert!(errors.lines().last().is_some_and(|line| line.starts_with(" next: ")), "{errors}");
    program::check_exports(&data, &expected::tables(&log.rows), name);
}

/// A good log in which the fields of one row were changed.
fn with_field(row: usize, column: usize, text: &str) -> Vec<u8> {
    let mut rows = made_up::rows(9, 100);
    rows.truncate(100);
    let file = made_up::file(&rows);
    let mut lines: Vec<_> = file.lines().map(str::to_owned).collect();
    let mut fields: Vec<_> = ["900001", "21212", "", "2", "2010-12-01T08:26", "2.55", "17850", "France"].to_vec();
    fields[column] = text;
    lines[row] = fields.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    lines.join("\n").into_bytes()
}

#[test]
fn a_bad_line_is_named_and_nothing_of_its_file_is_counted() {
    check_bad_file("units.csv", &with_field(41, 3, "six"), ", line 42: Quantity `six` is not a whole number");
    check_bad_file("price.csv", &with_field(100, 5, "1.2345"), ", line 101: UnitPrice `1.2345` is more than three");
    check_bad_file("short.csv", &[&with_field(3, 3, "1")[..], b"\n1,2,3\n"].concat(), ", line 102: 3 fields, not 8");
}

#[test]
fn a_file_of_another_kind_is_named() {
    check_bad_file("columns.csv", b"a,b\n1,2\n", ", line 1: the columns are `a,b`, not `InvoiceNo,StockCode");
    check_bad_file("header.csv", &made_up::file(&[]).into_bytes(), " has no lines below its header");
    check_bad_file("broken.gz", &[0x1F, 0x8B, 8, 0, 0], " cannot be read: ");
}

#[test]
fn an_invoice_for_two_customers_is_named() {
    let mut rows = made_up::rows(9, 20);
    let mut second = rows[0].clone();
    second.customer = "another".to_owned();
    rows.insert(1, second);
    let reason = format!(", line 3: invoice {} was for customer ", rows[0].invoice);
    check_bad_file("parties.csv", made_up::file(&rows).as_bytes(), &reason);
}

#[test]
fn a_file_that_is_not_there_makes_no_store() {
    let log = Log::new(1, 10);
    let data = log.place("data");
    let errors = run_badly(replay(Path::new("no/such/file.csv"), &data, &[]));
    assert!(errors.contains("no/such/file.csv cannot be read"), "{errors}");
    assert!(!data.exists());
}

#[test]
fn an_export_of_nothing_says_how_to_make_something() {
    let log = Log::new(1, 10);
    let data = log.place("data");
    let errors = run_badly(program(&["export", "stock", "--data", data.to_str().expect("a path")]));
    assert!(errors.contains("there is no store in ") && errors.contains("replay FILE --data "), "{errors}");
    assert!(!data.exists());
}

#[test]
fn data_opens_whatever_number_of_partitions_is_asked_for() {
    let log = Log::new(1, 50);
    let data = log.place("data");
    program::run(replay(&log.path(), &data, &["--partitions", "3"]));
    program::run(replay(&log.path(), &data, &["--partitions", "2"]));
    program::run(replay(&log.path(), &data, &["--partitions", "3"]));
    program::run(replay(&log.path(), &data, &[]));
    program::check_exports(&data, &expected::tables(&log.rows), "three partitions");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let log = Log::new(1, 20_000);
    let data = log.place("data");
    program::run(replay(&log.path(), &data, &[]));
    let mut export = program(&["export", "invoice", "--data", data.to_str().expect("a path")]);
    let mut export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = String::new();
    // The reader is dropped after one line, long before the pipe has taken all rows.
    BufReader::with_capacity(64, export.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    assert!(first.starts_with("InvoiceNo,"), "{first}");
    let output = export.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

#[test]
fn settings_that_cannot_be_used_end_it_as_words_that_cannot_be_understood_do() {
    let place = Log::new(1, 1);
    let file = place.place("settings.toml");
    std::fs::write(&file, "cache-bytes = \"256MeB\"").expect("written");
    let errors = run_to(2, program(&["serve", "--config", file.to_str().expect("a path")]));
    assert!(errors.contains("256MeB"), "{errors}");
    let errors = run_to(2, program(&["serve", "--cache-bytes", "256MeB"]));
    assert!(errors.contains("256MeB"), "{errors}");
}

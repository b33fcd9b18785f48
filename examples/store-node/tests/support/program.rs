//! The program, run as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::expected::{self, Tables};
use super::made_up::{self, Row};

/// A made-up log in a directory that goes with it.
pub struct Log {
    pub rows: Vec<Row>,
    dir: tempfile::TempDir,
}

impl Log {
    /// A log of about `lines` lines, made from `seed`.
    pub fn new(seed: u64, lines: usize) -> Self {
        let log = Self { rows: made_up::rows(seed, lines), dir: tempfile::tempdir().expect("a directory") };
        std::fs::write(log.path(), made_up::file(&log.rows)).expect("the log is written");
        log
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("orders.csv")
    }

    /// A place beside the file.
    pub fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The program with these arguments.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_store-node"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// `replay FILE --data DIR --json`, with what else is said.
pub fn replay(file: &Path, data: &Path, more: &[&str]) -> Command {
    let mut command = program(&["replay"]);
    command.arg(file).arg("--data").arg(data).arg("--json").args(more);
    command
}

/// `replay FILE --url URL --json`, with what else is said.
pub fn replay_at(file: &Path, url: &str, more: &[&str]) -> Command {
    let mut command = program(&["replay"]);
    command.arg(file).args(["--url", url, "--json"]).args(more);
    command
}

/// Starts it. What it says is kept for [`Child::wait_with_output`]; it is little enough to fit a pipe.
pub fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

/// Runs it to its end, which has to be good.
pub fn run(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{errors}", output.status);
    output
}

/// Runs it to its end, which has to be bad; gives what it says on stderr.
pub fn run_badly(command: Command) -> String {
    run_to(1, command)
}

/// Runs it to its end, which has to be this one; gives what it says on stderr.
pub fn run_to(code: i32, mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(code), "{command:?} ended with {}", output.status);
    assert!(output.stdout.is_empty(), "{command:?} says something on stdout, and fails");
    String::from_utf8(output.stderr).expect("errors are text")
}

/// The object on the last line of what was said.
pub fn last_json(output: &Output) -> serde_json::Value {
    let text = std::str::from_utf8(&output.stdout).expect("totals are text");
    let line = text.lines().last().expect("there is a last line");
    serde_json::from_str(line).expect("the last line is one JSON object")
}

/// The output of `export` for `kind`.
pub fn export(kind: &str, data: &Path) -> String {
    let mut command = program(&["export", kind]);
    command.arg("--data").arg(data);
    String::from_utf8(run(command).stdout).expect("exports are text")
}

/// The output of `export` for `kind` at a node.
pub fn export_at(kind: &str, url: &str) -> String {
    String::from_utf8(run(program(&["export", kind, "--url", url])).stdout).expect("exports are text")
}

/// Compares all four exports with what must come of a log.
pub fn check_exports(data: &Path, tables: &Tables, when: &str) {
    check_tables(|kind| export(kind, data), tables, when);
}

/// As [`check_exports`], of a node.
pub fn check_exports_at(url: &str, tables: &Tables, when: &str) {
    check_tables(|kind| export_at(kind, url), tables, when);
}

fn check_tables(export: impl Fn(&str) -> String, tables: &Tables, when: &str) {
    for (kind, table) in tables {
        let (found, expected) = (export(kind), expected::text(table));
        if found != expected {
            let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
            let (found, expected) = (found.lines().count(), expected.lines().count());
            panic!("{when}: {kind}: {found} rows of {expected}; found and expected first differ in {differs:#?}");
        }
    }
}

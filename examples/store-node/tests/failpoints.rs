//! The replaying process dies between any two steps of the log's writer and of a checkpoint, and the result is the same.
//!
//! Built only with the feature `failpoints`:
//! `cargo test -p store-node --features failpoints --test failpoints`.

#![cfg(unix)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use support::expected::{self, Tables};
use support::program::{self, Log};

/// Sizes so small that many checkpoints and trims happen: each partition makes a checkpoint every 64 KiB of log.
const SETTINGS: &[&str] = &["--partitions", "2", "--checkpoint-log-bytes", "131072", "--segment-bytes", "262144"];

/// Lines of the made-up log.
const LINES: usize = 3_000;

/// The signal of `kill -9`.
const SIGKILL: i32 = 9;

/// Replays, and dies when the failpoint is passed for the `count`-th time.
fn replay_until(log: &Log, data: &Path, failpoint: &str, count: u32) -> Output {
    let mut replay = program::replay(&log.path(), data, SETTINGS);
    replay.env("APOSTATE_FAILPOINT", format!("{failpoint}:{count}"));
    replay.output().expect("the program starts")
}

/// Dies at the failpoint, the first times that it is passed and much later, and then comes to the same tables.
fn check(log: &Log, tables: &Tables, failpoint: &str) {
    let data = log.place(failpoint);
    let mut crashes = 0;
    for count in [1, 2, 3, 17] {
        let Output { status, stderr, .. } = replay_until(log, &data, failpoint, count);
        let was_killed = status.signal() == Some(SIGKILL);
        let errors = String::from_utf8_lossy(&stderr);
        assert!(was_killed || status.success(), "{failpoint}:{count} ended with {status}:\n{errors}");
        crashes += u32::from(was_killed);
    }
    assert!(crashes > 0, "no replay ever passes {failpoint}: the test proves nothing");
    program::run(program::replay(&log.path(), &data, SETTINGS));
    program::check_exports(&data, tables, failpoint);
}

#[test]
fn a_death_between_any_two_steps_changes_nothing() {
    let log = Log::new(7, LINES);
    let tables = expected::tables(&log.rows);
    let failpoints = [apostate_log::FAILPOINTS, apostate_server::FAILPOINTS].concat();
    assert!(!failpoints.is_empty());
    for failpoint in failpoints {
        check(&log, &tables, failpoint);
    }
}

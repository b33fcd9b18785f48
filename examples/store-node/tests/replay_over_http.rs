//! A log is replayed into a node that is killed ten times on the way, and the result is the same: as one stream, and
//! by single calls over many connections.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use support::expected;
use support::made_up::Rng;
use support::program::{self, Log};
use support::served::Served;

/// How often the node is killed.
const KILLS: u32 = 10;

/// How long it is left alone between a sign of progress and the kill, and between the next start and the next kill.
const PEACE_MICROS_MAX: usize = 50_000;

/// Replays `log`, and kills the node when the replay says that it has come further; then once more, before it has come to
/// itself. Gives how often it was killed.
fn replay_with_kills(log: &Log, node: &mut Served, kills_max: u32, more: &[&str], rng: &mut Rng) -> u32 {
    let mut command = program::replay_at(&log.path(), &node.url(), more);
    let mut replay = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut peace = || std::thread::sleep(Duration::from_micros(rng.below(PEACE_MICROS_MAX) as u64));
    let (mut kills, mut said) = (0, String::new());
    for line in BufReader::new(replay.stderr.take().expect("piped")).lines() {
        let line = line.expect("text");
        said.push_str(&line);
        said.push('\n');
        let is_further = line.starts_with("taking ") || line.starts_with("settling ");
        if is_further && kills < kills_max {
            // The disturbance is what is random; nothing is expected to have happened after it.
            peace();
            node.kill_and_spawn();
            peace();
            node.kill_and_start();
            kills += 2;
        }
    }
    let mut totals = String::new();
    replay.stdout.take().expect("piped").read_to_string(&mut totals).expect("totals are text");
    assert!(replay.wait().expect("it ends").success(), "after {kills} kills:\n{said}");
    let totals: serde_json::Value = serde_json::from_str(&totals).expect("one JSON object");
    for (name, expected) in expected::totals(&log.rows) {
        assert_eq!(totals.pointer(name), Some(&expected.into()), "{name} after {kills} kills:\n{said}");
    }
    kills
}

/// The exports are those of an undisturbed replay, which are those of the log.
fn ten_kills_change_nothing(lines: usize, more: &[&str]) {
    let seed = std::env::var("APOSTATE_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().expect("a number"));
    println!("APOSTATE_SEED={seed} cargo test -p store-node --test replay_over_http");
    let mut rng = Rng::new(seed);
    let log = Log::new(7, lines);
    let tables = expected::tables(&log.rows);
    let mut node = Served::start(&log.place("undisturbed"));
    replay_with_kills(&log, &mut node, 0, more, &mut rng);
    program::check_exports_at(&node.url(), &tables, "undisturbed");
    let (mut kills, mut stores) = (0, 0);
    while kills < KILLS {
        stores += 1;
        let mut node = Served::start(&log.place(&format!("store-{stores}")));
        kills += replay_with_kills(&log, &mut node, KILLS - kills, more, &mut rng);
        let when = format!("seed {seed}, store {stores}, after {kills} kills");
        program::check_exports_at(&node.url(), &tables, &when);
        // Again, and nothing counts twice.
        replay_with_kills(&log, &mut node, 0, more, &mut rng);
        program::check_exports_at(&node.url(), &tables, &when);
    }
    println!("{kills} kills, {stores} stores");
}

#[test]
fn ten_kills_on_the_way_of_a_stream_change_nothing() {
    ten_kills_change_nothing(20_000, &[]);
}

#[test]
fn ten_kills_on_the_way_of_single_calls_change_nothing() {
    ten_kills_change_nothing(4_000, &["--singly", "--connections", "32"]);
}

#[test]
fn a_node_that_does_not_come_is_waited_for_and_given_up() {
    let log = Log::new(1, 50);
    let node = Served::start(&log.place("data"));
    let url = node.url();
    drop(node);
    for more in [&["--patience", "4"][..], &["--patience", "4", "--singly"]] {
        let errors = program::run_badly(program::replay_at(&log.path(), &url, more));
        assert!(errors.contains(&format!("waiting for {url} ")) && errors.contains("4 s at most"), "{errors}");
        assert!(errors.lines().last().is_some_and(|line| line.starts_with(" next: ")), "{errors}");
    }
    let errors = program::run_badly(program::replay_at(&log.path(), "127.0.0.1", &[]));
    assert!(errors.contains("`127.0.0.1`") && errors.contains(" next: "), "{errors}");
}

#[test]
fn a_store_is_in_a_directory_or_behind_a_url() {
    for site in [&[][..], &["--data", "here", "--url", "http://127.0.0.1:1"]] {
        let mut command = program::program(&["export", "stock"]);
        let output = command.args(site).output().expect("the program starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(
            errors.contains("--data <DIR>") && errors.contains("--url <URL>") && !errors.contains("<>"),
            "{errors}"
        );
    }
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}

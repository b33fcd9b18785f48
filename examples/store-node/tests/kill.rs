//! The replaying process is killed at random moments, started again each time, and the result is the same.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use support::expected::{self, Tables};
use support::made_up::Rng;
use support::program::{self, Log};

/// How often the process is killed.
const KILLS: u32 = 25;

/// Sizes so small that many checkpoints and trims happen: each partition makes a checkpoint every 64 KiB of log.
const SETTINGS: &[&str] = &["--partitions", "2", "--checkpoint-log-bytes", "131072", "--segment-bytes", "262144"];

/// Lines of the made-up log.
const LINES: usize = 6_000;

/// How long one undisturbed replay takes, which also has to be right.
fn undisturbed(log: &Log, tables: &Tables) -> Duration {
    let data = log.place("undisturbed");
    let started = Instant::now();
    program::run(program::replay(&log.path(), &data, SETTINGS));
    let elapsed = started.elapsed();
    program::check_exports(&data, tables, "undisturbed");
    elapsed
}

/// Kills a replay after `delay`; false if it had ended before.
fn kill_after(log: &Log, data: &Path, delay: Duration) -> bool {
    let mut replay = program::start(program::replay(&log.path(), data, SETTINGS));
    // The disturbance is what is random; nothing is expected to have happened after it.
    std::thread::sleep(delay);
    replay.kill().expect("the process is ours");
    let Output { status, stderr, .. } = replay.wait_with_output().expect("it has ended");
    let was_killed = status.code().is_none();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(was_killed || status.success(), "a replay that was not killed ended with {status}:\n{errors}");
    was_killed
}

#[test]
fn twenty_five_kills_at_random_moments_change_nothing() {
    let seed = std::env::var("APOSTATE_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().expect("a number"));
    println!("APOSTATE_SEED={seed} cargo test -p store-node --test kill");
    let mut rng = Rng::new(seed);
    let log = Log::new(6, LINES);
    let tables = expected::tables(&log.rows);
    let longest = undisturbed(&log, &tables).as_micros() as usize;

    let (mut kills, mut stores) = (0, 0);
    while kills < KILLS {
        stores += 1;
        let data = log.place(&format!("store-{stores}"));
        while kills < KILLS && kill_after(&log, &data, Duration::from_micros(rng.below(longest) as u64)) {
            kills += 1;
        }
        // Whether it was killed at last or came to its end: once more, and all is there.
        program::run(program::replay(&log.path(), &data, SETTINGS));
        program::check_exports(&data, &tables, &format!("seed {seed}, store {stores}, after {kills} kills"));
    }
    println!("{kills} kills, {stores} stores");
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}

//! Runs seeds, and says what they came to.

mod arguments;

use std::process::ExitCode;
use std::time::Instant;

use apostate_sim::{Campaign, Options, Telling, run};

use crate::arguments::{Arguments, Work, usage};

/// A run makes and drops many small things: a fifth of its time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match arguments::parse(std::env::args().skip(1)) {
        Ok(Arguments { work: Work::One { seed }, is_told, splits }) => one(seed, is_told, splits),
        Ok(Arguments { work: Work::Many { first, count }, splits, .. }) => {
            many(first, splits, |seeds, _| seeds < count)
        }
        Ok(Arguments { work: Work::Soak { first, hours }, splits, .. }) => {
            many(first, splits, |_, took| took < hours * 3600.0)
        }
        Ok(Arguments { work: Work::Planted { most, only }, .. }) => planted(most, only.as_deref()),
        Ok(Arguments { work: Work::Digest { first, count, bug }, .. }) => digest(first, count, bug.as_deref()),
        Err(problem) => {
            eprintln!("{problem}\n\n{}", usage());
            ExitCode::FAILURE
        }
    }
}

/// One seed, twice: it must take the same course.
fn one(seed: u64, is_told: bool, splits: bool) -> ExitCode {
    let start = Instant::now();
    let telling = if is_told { Telling::Printed } else { Telling::Off };
    let first = run(seed, Options { telling, splits });
    let second = run(seed, Options { splits, ..Options::default() });
    let seeds_per_s = 2.0 / start.elapsed().as_secs_f64();
    match &first {
        Ok(report) => {
            println!("{}", report.faults);
            println!("seed {seed}: {} transactions, trace {:016x}", report.transactions, report.trace);
            let seconds = report.simulated as f64 / 1e6;
            println!("{seconds:.1} seconds of simulated time, twice; {seeds_per_s:.1} seeds a second");
        }
        Err(violation) => println!("seed {seed} failed: {violation}"),
    }
    if first != second {
        println!("seed {seed} failed: the simulation is not deterministic, its second run differs: {second:?}");
    }
    if first.is_ok() && first == second { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(first: u64, splits: bool, mut goes_on: impl FnMut(u64, f64) -> bool) -> ExitCode {
    let start = Instant::now();
    let options = Options { splits, ..Options::default() };
    let mut campaign = Campaign { options, ..Campaign::default() };
    while goes_on(campaign.seeds, start.elapsed().as_secs_f64()) {
        let seed = first + campaign.seeds;
        if let Err(violation) = campaign.run(seed) {
            let text = violation.to_string();
            println!("seed {seed} failed: {}", &text[..text.floor_char_boundary(400)]);
            println!("run it again: cargo run --release -p apostate-sim -- --seed {seed} --tell");
        }
    }
    println!("{}", campaign.summary(start.elapsed()));
    let missing = campaign.missing();
    if !missing.is_empty() {
        println!("faults that never happened, in {} seeds: {missing:?}", campaign.seeds);
    }
    if campaign.violations.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each seed. Of a planted bug, too, only that the course is the same counts, not whether it is caught.
fn digest(first: u64, count: u64, bug: Option<&str>) -> ExitCode {
    for seed in first..first + count {
        match bug {
            None => println!("{}", apostate_sim::digest(seed)),
            Some(bug) => match digest_planted(seed, bug) {
                Some(line) => println!("{line}"),
                None => {
                    eprintln!(
                        "no bug `{bug}` is in this build: build it with `--features planted`, and see `planted.rs`"
                    );
                    return ExitCode::FAILURE;
                }
            },
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(feature = "planted"))]
fn digest_planted(_: u64, _: &str) -> Option<String> {
    None
}

#[cfg(feature = "planted")]
use apostate_sim::digest_planted;

#[cfg(not(feature = "planted"))]
fn planted(_: u64, _: Option<&str>) -> ExitCode {
    eprintln!("build it with `--features planted`: the bugs are not in this build");
    ExitCode::FAILURE
}

#[cfg(feature = "planted")]
fn planted(most: u64, only: Option<&str>) -> ExitCode {
    let caught = apostate_sim::try_planted(most, only, |line| println!("{line}"));
    if caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

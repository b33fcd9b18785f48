//! `peers`: one partition among many that say nothing.
//!
//! What a batch costs depends on what it touches, and not on how many partitions there are: a batch of one call costs the same among two
//! as among ten thousand. As in `step`, there is neither disk nor other threads.

use std::time::Instant;

use apostate_log::PartitionId;
use apostate_partition::{Map, RequestKind};
use serde_json::json;

use crate::arguments::PeersArguments;
use crate::bank::{Account, Bank};
use crate::failure::{Failure, check};
use crate::machine;
use crate::report::Report;
use crate::step::Alone;

/// The measured time is taken in so many parts, and the shortest counts: neighbours on the machine lengthen some of them.
const PARTS: u64 = 50;

/// Calls an account `arguments.batches` times, each in a batch of its own.
pub(crate) fn run(arguments: &PeersArguments) -> Result<Report, Failure> {
    let &PeersArguments { partitions, batches } = arguments;
    let mut report = Report::new("peers", json!({ "partitions": partitions, "batches": batches }));
    let mut alone = Alone::open::<Bank>(partitions)?;
    let map = Map::first(partitions);
    let is_here = |account: &u64| {
        Account::at(*account).deposit(1).to.is_ok_and(|address| map.find(address.hash()) == PartitionId(1))
    };
    let account = (0..).find(is_here).ok_or_else(|| Failure::Wrong("no account is in partition 1".to_owned()))?;

    let (began, cpu) = (Instant::now(), machine::cpu_seconds());
    let mut shortest = f64::INFINITY;
    let part = (batches / PARTS).max(1);
    for _ in 0..PARTS {
        let began = Instant::now();
        for _ in 0..part {
            alone.ask(1, Account::at(account).deposit(1), RequestKind::Call { key: None })?;
            alone.turn()?;
        }
        shortest = shortest.min(began.elapsed().as_secs_f64() / part as f64);
    }
    while !alone.is_quiet() {
        alone.turn()?;
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), machine::cpu_seconds() - cpu);

    let (asked, status) = (part * PARTS, alone.partition.status());
    check(alone.answered == asked, || format!("{asked} calls were made, {} answered", alone.answered))?;
    check(status.peers == 0, || format!("{} of the other partitions were not left alone", status.peers))?;
    report.set("us_per_batch", (shortest * 1e9).round() / 1e3);
    report.set("us_per_batch_mean", (seconds / asked as f64 * 1e9).round() / 1e3);
    report.set_rounded("seconds", seconds);
    report.set_rounded("cpu_seconds", cpu);
    report.set("peak_memory_bytes", machine::peak_memory_bytes());
    Ok(report)
}

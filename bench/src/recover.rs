//! `recover`: how long a node that died takes from its start until it serves, by the size of log and state.
//!
//! For each pair of sizes: a node with so much state in its store takes deposits until so much log stands behind its
//! last checkpoint, and is dropped as if the process had died. Then the clock runs until the next one serves.
//! What the system holds of the files in its own memory stays there.

use std::time::Instant;

use apostate_server::Settings;
use serde_json::{Value, json};

use crate::arguments::{HostArguments, PaceArguments, RecoverArguments, StreamArguments};
use crate::bank::{Account, Bank, Books};
use crate::failure::Failure;
use crate::host::Host;
use crate::machine;
use crate::orders::Rng;
use crate::report::Report;
use crate::scratch::Scratch;
use crate::stream::{End, Stream};

/// Bytes of one account's state.
const ACCOUNT_BYTES: u64 = 1000;

/// Deposits that are sent before the size of the log is looked at again.
const DEPOSITS: u64 = 1000;

/// So much log that no checkpoint is made before it.
const NO_CHECKPOINT: u64 = 1 << 40;

/// Runs it. The report has the figures of the last pair of sizes, and those of each in a list.
pub(crate) fn run(arguments: &RecoverArguments) -> Result<Report, Failure> {
    let RecoverArguments { host, log_bytes, state_bytes, seed } = arguments;
    let partitions = host.partitions;
    let parameters =
        json!({ "partitions": partitions, "log_bytes": log_bytes, "state_bytes": state_bytes, "seed": seed });
    let mut report = Report::new("recover", parameters);
    let mut all = Vec::new();
    for &state_bytes in state_bytes {
        let accounts = (state_bytes / ACCOUNT_BYTES).max(1);
        let mut deposits = Deposits { accounts, rng: Rng::new(*seed), books: Books::default(), streams: 0 };
        let mut disk = fill(host, accounts)?;
        for &log_bytes in log_bytes {
            let (figures, same_disk) = deposits.recover(disk, log_bytes)?;
            all.push(figures);
            disk = same_disk;
        }
    }
    let last = all.last().cloned();
    report.take(last.ok_or_else(|| Failure::Wrong("there is no pair of sizes to measure".to_owned()))?);
    report.set("peak_memory_bytes", machine::peak_memory_bytes());
    report.set("by_size", all.into_iter().map(Value::from).collect::<Vec<_>>());
    Ok(report)
}

/// Fills accounts and stops in good order: all is in the store, and no log stands behind it.
fn fill(arguments: &HostArguments, accounts: u64) -> Result<(Settings, Scratch), Failure> {
    let host = Host::open::<Bank>(arguments)?;
    let mut account = 0..accounts;
    stream(&host, "fill")?.run(End::after(accounts), |producer, number| {
        let account = account.next().unwrap_or_default();
        producer.send(number, Account::at(account).print_statement(ACCOUNT_BYTES as usize))
    })?;
    let (settings, scratch) = host.stop_and_keep()?;
    Ok((Settings { checkpoint_log_bytes: NO_CHECKPOINT, ..settings }, scratch))
}

/// The accounts, and all deposits so far.
struct Deposits {
    accounts: u64,
    rng: Rng,
    books: Books,
    streams: u64,
}

impl Deposits {
    /// Writes so much log, lets the node die, and starts it again; then stops it in good order.
    fn recover(
        &mut self,
        (settings, scratch): (Settings, Scratch),
        log_bytes: u64,
    ) -> Result<(Report, (Settings, Scratch)), Failure> {
        let host = Host::open_with::<Bank>(settings, scratch)?;
        let (requests, log_bytes) = self.write_log(&host, log_bytes)?;
        let (settings, scratch) = host.abandon();

        let (began, cpu) = (Instant::now(), machine::cpu_seconds());
        let host = Host::open_with::<Bank>(settings, scratch)?;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), machine::cpu_seconds() - cpu);

        self.books.audit(host.client())?;
        let mut figures = Report::empty();
        figures.set("state_bytes", self.accounts * ACCOUNT_BYTES);
        figures.set("log_bytes", log_bytes);
        figures.set("requests", requests);
        figures.set_rounded("seconds_to_serving", seconds);
        figures.set_rounded("requests_per_s", requests as f64 / seconds);
        figures.set_rounded("log_bytes_per_request", log_bytes as f64 / requests.max(1) as f64);
        figures.set_rounded("cpu_seconds", cpu);
        Ok((figures, host.stop_and_keep()?))
    }

    /// Sends deposits until the log has grown by `log_bytes`. How many those were, and how much it has grown.
    fn write_log(&mut self, host: &Host, log_bytes: u64) -> Result<(u64, u64), Failure> {
        self.streams += 1;
        let mut stream = stream(host, &format!("deposits-{}", self.streams))?;
        let begin = host.mark()?;
        loop {
            let written = host.mark()?.record_bytes_since(&begin);
            if written >= log_bytes {
                return Ok((stream.sent(), written));
            }
            stream.run(End::after(DEPOSITS), |producer, number| {
                let (account, amount) = (self.rng.below(self.accounts), self.rng.below(100) + 1);
                self.books.add(amount);
                producer.send(number, Account::at(account).deposit(amount))
            })?;
        }
    }
}

/// A stream as fast as it goes.
fn stream(host: &Host, name: &str) -> Result<Stream, Failure> {
    let pace = PaceArguments { seconds: 0.0, warm_up: 0.0, requests: None, seed: 0 };
    Stream::open(host.client(), name, &StreamArguments { pace, outstanding: DEPOSITS as usize, rate: None })
}

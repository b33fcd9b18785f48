//! The command line: workloads and their settings.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

/// Reproducible workloads: each verifies its outcome and prints its figures
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// The workload
    #[command(subcommand)]
    pub(crate) workload: Workload,
    /// One JSON object on the last line of stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workload {
    /// The orders of `reserve` in one partition by itself: one thread, no disk
    Step(StepArguments),
    /// One call a batch in one partition, among many that say nothing: one thread, no disk
    Peers(PeersArguments),
    /// Entities that are in memory and at rest: what each costs beyond its state
    EntityMemory(EntityMemoryArguments),
    /// Orders that reserve stock, durably: ten messages each
    Reserve(ReserveArguments),
    /// One durable update of one of many accounts, with a client key a request
    Deposit(DepositArguments),
    /// The same over HTTP, with connections that each have one request under way
    DepositHttp(HttpArguments),
    /// The same through the typed client
    DepositClient(HttpArguments),
    /// Orders placed over HTTP, until each is seen to be confirmed
    OrderHttp(HttpArguments),
    /// Agreements of three partners, from the proposal until the proposer has heard of the decision
    Agree(CallsArguments),
    /// Entities that ask another one, from the call until the asker has the answer
    Ask(CallsArguments),
    /// Timers, many of them pending: how late each is handled that is due
    Timers(TimersArguments),
    /// Durable updates of one entity, by the size of its state
    Hot(HotArguments),
    /// Durable updates all over more state than the cache holds
    Cold(ColdArguments),
    /// The time from start to serving, by the size of the log and of the state
    Recover(RecoverArguments),
    /// `reserve` and the ceiling of this machine, in turns: medians, and the ratio
    Compare(CompareArguments),
}

/// Where the node is, and how it is set up.
#[derive(Clone, Debug, Args)]
pub(crate) struct HostArguments {
    /// The disk to measure: the data goes into a directory of its own in here, and is removed afterwards
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) data: PathBuf,
    /// How many partitions; one per core when left out
    #[arg(long, value_name = "P")]
    pub(crate) partitions: Option<u32>,
    /// Bytes of entities kept in memory; as the node wants it when left out
    #[arg(long, value_name = "BYTES", value_parser = number::<usize>)]
    pub(crate) cache_bytes: Option<usize>,
    /// Bytes of log between two checkpoints; as the node wants it when left out
    #[arg(long, value_name = "BYTES", value_parser = number::<u64>)]
    pub(crate) checkpoint_log_bytes: Option<u64>,
}

/// How long, how much, and how made up.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct PaceArguments {
    /// How long to measure
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// How long to run before that
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    pub(crate) warm_up: f64,
    /// Measure at most so many requests
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(crate) requests: Option<u64>,
    /// Where the rng starts that makes the requests up
    #[arg(long, default_value = "1", value_parser = number::<u64>)]
    pub(crate) seed: u64,
}

/// How requests come when a producer sends them.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct StreamArguments {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArguments,
    /// Requests that are not answered at a time
    #[arg(long, value_name = "N", default_value = "1024", value_parser = number::<usize>)]
    pub(crate) outstanding: usize,
    /// Requests a second, on schedule; as many as it takes when left out
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
}

#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct StepArguments {
    /// How many orders
    #[arg(long, default_value = "300000", value_parser = number::<u64>)]
    pub(crate) orders: u64,
    /// Orders that are not answered at a time
    #[arg(long, default_value = "512", value_parser = number::<u64>)]
    pub(crate) outstanding: u64,
    /// Where the rng starts that makes the orders up
    #[arg(long, default_value = "1", value_parser = number::<u64>)]
    pub(crate) seed: u64,
    /// One agreement of the platform's for each order, in place of messages by hand
    #[arg(long)]
    pub(crate) agreements: bool,
}

#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct PeersArguments {
    /// How many partitions there are
    #[arg(long, value_name = "P", default_value = "10000", value_parser = number::<u32>)]
    pub(crate) partitions: u32,
    /// How many batches
    #[arg(long, value_name = "N", default_value = "200000", value_parser = number::<u64>)]
    pub(crate) batches: u64,
}

#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct EntityMemoryArguments {
    /// How many entities
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = number::<u64>)]
    pub(crate) entities: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReserveArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
    /// One agreement of the platform's for each order, in place of messages by hand
    #[arg(long)]
    pub(crate) agreements: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CallsArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
    /// Calls that are not answered at a time
    #[arg(long, value_name = "N", default_value = "256", value_parser = number::<usize>)]
    pub(crate) outstanding: usize,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TimersArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    /// For how long timers are due
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Timers that are pending all the while, and due a day later
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = number::<u64>)]
    pub(crate) pending: u64,
    /// Timers that are due in a second
    #[arg(long, value_name = "N", default_value = "50000", value_parser = number::<u64>)]
    pub(crate) rate: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DepositArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
    /// How many accounts
    #[arg(long, default_value = "100000", value_parser = number::<u64>)]
    pub(crate) accounts: u64,
    /// Calls that are not answered at a time
    #[arg(long, value_name = "N", default_value = "1024", value_parser = number::<usize>)]
    pub(crate) outstanding: usize,
}

#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct HttpArguments {
    #[command(flatten)]
    #[serde(skip)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArguments,
    /// Connections, each with one request at a time
    #[arg(long, value_name = "N", default_value = "512", value_parser = number::<usize>)]
    pub(crate) connections: usize,
    /// Requests a second, on schedule; as many as it takes when left out
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// Requests that the node lets wait at once; the others are told to come again, and do so at once. As the node wants it
    /// when left out
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(crate) requests_max: Option<usize>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct HotArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
    /// Sizes of the state, each measured by itself
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', default_values = ["100", "10000", "100000"], value_parser = number::<usize>)]
    pub(crate) state_bytes: Vec<usize>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ColdArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
    /// Bytes of one entity's state
    #[arg(long, value_name = "BYTES", default_value = "1000", value_parser = number::<usize>)]
    pub(crate) state_bytes: usize,
    /// How many times more state there is than cache
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) times: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RecoverArguments {
    #[command(flatten)]
    pub(crate) host: HostArguments,
    /// Sizes of the log to read back, each measured with each size of state
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', default_values = ["0", "32000000", "128000000"], value_parser = number::<u64>)]
    pub(crate) log_bytes: Vec<u64>,
    /// Sizes of the state in the store
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',', default_values = ["1000000", "100000000"], value_parser = number::<u64>)]
    pub(crate) state_bytes: Vec<u64>,
    /// Where the rng starts that makes the requests up
    #[arg(long, default_value = "1", value_parser = number::<u64>)]
    pub(crate) seed: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArguments {
    #[command(flatten)]
    pub(crate) reserve: ReserveArguments,
    /// The ceiling as a package, to be built first
    #[arg(long, value_name = "CARGO_TOML", required_unless_present = "bound_binary")]
    pub(crate) bound_manifest: Option<PathBuf>,
    /// The ceiling as a program
    #[arg(long, value_name = "FILE", conflicts_with = "bound_manifest")]
    pub(crate) bound_binary: Option<PathBuf>,
    /// Orders of one run of the ceiling
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = number::<u64>)]
    pub(crate) bound_orders: u64,
    /// How often each of the two runs
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: usize,
}

impl PaceArguments {
    /// How long to run before the measurement.
    pub(crate) fn warm_up(&self) -> Duration {
        duration(self.warm_up)
    }

    /// How long to measure.
    pub(crate) fn time(&self) -> Duration {
        duration(self.seconds)
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}

/// A number; `10_000` reads as well as `10000`.
fn number<N: std::str::FromStr>(text: &str) -> Result<N, N::Err> {
    text.replace('_', "").parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn numbers_may_have_underscores() {
        let arguments = Arguments::parse_from(["bench", "hot", "--state-bytes", "100,10_000"]);
        let Workload::Hot(HotArguments { state_bytes, .. }) = arguments.workload else { panic!("it is `hot`") };
        assert_eq!(state_bytes, [100, 10_000]);
    }
}

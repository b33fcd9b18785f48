//! What can be asked on the command line.

use clap::{Args, Parser, Subcommand};

/// Reproducible workloads: each verifies its outcome and prints its figures.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// The workload.
    #[command(subcommand)]
    pub(crate) workload: Workload,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workload {
    /// The orders of `reserve` in one partition by itself: one thread, no disk
    Step(StepArguments),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct StepArguments {
    /// How many orders
    #[arg(long, default_value = "300000", value_parser = number)]
    pub(crate) orders: u64,
    /// Orders that are not answered at a time
    #[arg(long, default_value = "4096", value_parser = number)]
    pub(crate) outstanding: u64,
    /// Where the luck starts that makes the orders up
    #[arg(long, default_value = "1", value_parser = number)]
    pub(crate) seed: u64,
    /// One JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// A number; `10_000` reads as well as `10000`.
fn number(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.replace('_', "").parse()
}

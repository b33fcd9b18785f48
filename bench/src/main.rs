//! Reproducible workloads: each runs the system, verifies the outcome from the entities' own state, and says what it cost.
//!
//! Reading order: [`arguments`] says what can be asked; [`reserve`] is a whole workload, [`shop`] its entities and
//! [`stream`] its requests; [`step`] is the same work without disk or threads. [`host`] is the node that is measured,
//! [`report`] what is said of it.

mod arguments;

mod compare;
mod entity_memory;
mod peers;
mod reserve;
mod step;

mod agree;
mod ask;
mod cold;
mod deposit;
mod hot;
mod recover;
mod timers;

mod deposit_http;
mod order_http;

mod bank;
mod callers;
mod orders;
mod shop;

mod host;
mod http;
mod latency;
mod machine;
mod scratch;
mod stream;

mod failure;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Workload};

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Arguments { workload, json } = Arguments::parse();
    let result = match &workload {
        Workload::Step(arguments) => step::run(arguments),
        Workload::Peers(arguments) => peers::run(arguments),
        Workload::EntityMemory(arguments) => entity_memory::run(arguments),
        Workload::Reserve(arguments) => reserve::run(arguments),
        Workload::Deposit(arguments) => deposit::run(arguments),
        Workload::DepositHttp(arguments) => deposit_http::run(arguments),
        Workload::DepositClient(arguments) => deposit_http::run_client(arguments),
        Workload::OrderHttp(arguments) => order_http::run(arguments),
        Workload::Agree(arguments) => agree::run(arguments),
        Workload::Ask(arguments) => ask::run(arguments),
        Workload::Timers(arguments) => timers::run(arguments),
        Workload::Hot(arguments) => hot::run(arguments),
        Workload::Cold(arguments) => cold::run(arguments),
        Workload::Recover(arguments) => recover::run(arguments),
        Workload::Compare(arguments) => compare::run(arguments),
    };
    match result {
        Ok(report) => {
            report.print(json);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{}", failure.told());
            ExitCode::FAILURE
        }
    }
}

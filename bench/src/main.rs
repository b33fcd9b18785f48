//! Reproducible workloads, one command each.
mod arguments;
mod failure;
mod machine;
mod orders;
mod report;
mod shop;
mod step;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Workload};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (result, json) = match Arguments::parse().workload {
        Workload::Step(arguments) => (step::run(&arguments), arguments.json),
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

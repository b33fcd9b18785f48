//! The store, hosted: entities from the package `store`, a node from `apostate-server`, and a command line.
//!
//! Reading order: [`arguments`] says what can be asked. [`replay`] sends the lines of a file ([`csv_file`], [`row`])
//! as one numbered stream ([`feed`]) and adds up what the entities say ([`totals`]); [`export`] lists them; [`demo`]
//! makes orders up ([`made_up`]). [`failure`] ends with what to try next.

mod arguments;
mod demo;
mod export;
mod replay;

mod csv_file;
mod feed;
mod host;
mod made_up;
mod row;
mod totals;

mod failure;
mod figures;
mod progress;

use std::process::ExitCode;

use apostate_server::Settings;
use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What partitions have to say, such as a message that was parked. Bad news only: the rest is progress.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(LevelFilter::WARN).init();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_reader_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.told());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        None => demo::run(None, demo::ORDERS),
        Some(Command::Demo { data, orders }) => demo::run(data.as_deref(), orders),
        Some(Command::Replay { file, data, partitions, json, sizes }) => {
            let settings = sizes.apply(Settings { partitions, ..Settings::new(data) });
            replay::run(&file, settings, json)
        }
        Some(Command::Export { kind, data }) => export::run(kind, &data),
    }
}

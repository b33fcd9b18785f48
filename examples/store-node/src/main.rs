//! The store, hosted: entities from the package `store`, a node from `apostate-server`, and a command line.
//!
//! Reading order: [`arguments`] is the command line. [`serve`] takes requests over HTTP; [`replay`] sends the lines of
//! a file ([`csv_file`], [`row`]) and adds up what the entities say ([`totals`]); [`export`] lists them. The store that they
//! work on is a [`place`]: in this process ([`host`], [`feed`]), or behind a URL ([`remote`]). [`demo`] makes orders up
//! ([`made_up`]). [`failure`] ends with what to try next.

mod arguments;
mod demo;
mod export;
mod replay;
mod serve;

mod csv_file;
mod feed;
mod host;
mod made_up;
mod place;
mod remote;
mod row;
mod totals;

mod failure;
mod figures;
mod progress;

use std::io::IsTerminal;
use std::process::ExitCode;

use apostate_server::Config;
use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Messages are many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.serves() {
        // What partitions have to say, such as a message that was parked. Bad news only: the rest is progress.
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(LevelFilter::WARN);
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_reader_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.told());
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        None => serve::run(Config::from_command_line(serve::ABOUT)),
        Some(Command::Serve(config)) => serve::run(*config),
        Some(Command::Demo { data, orders }) => demo::run(data.as_deref(), orders),
        Some(Command::Replay(replay)) => replay::run(replay),
        Some(Command::Export { kind, site, asking }) => export::run(kind, site, asking),
    }
}

//! `apostate`: the operator's command. A noun, then a verb; data on stdout, talk on stderr.
//!
//! It is a client like any other: all that it does goes through the HTTP interface of a node, by the client of
//! `apostate-api`. Tables are for people; `--json` prints what the node answered, for programs.
//!
//! Reading order: [`arguments`], all that can be asked; [`node`], how it is asked; [`entity`], [`parked`], [`agreement`] and [`status`],
//! a file for each noun; [`output`], how it is shown, and [`terminal`], what is kept from steering one; [`failure`], which ends with
//! the next thing to try, and [`ending`], which ends for programs.

mod arguments;

mod node;

mod agreement;
mod entity;
mod parked;
mod status;

mod ending;
mod failure;
mod output;
mod terminal;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::arguments::{Arguments, Noun};
use crate::failure::Failure;
use crate::node::Node;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let is_json = arguments.json;
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_reader_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            match is_json {
                true => eprintln!("{}", failure.as_json()),
                false => eprintln!("{}", failure.told()),
            }
            failure.ending().exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { noun, access, json } = arguments;
    let output = Output::new(json);
    if let Noun::Completions { shell } = noun {
        clap_complete::generate(shell, &mut Arguments::command(), "apostate", &mut std::io::stdout());
        return Ok(());
    }
    let node = Node::new(&access)?;
    match noun {
        Noun::Entity(verb) => entity::run(&node, output, verb),
        Noun::Parked(verb) => parked::run(&node, output, verb),
        Noun::Agreement(verb) => agreement::run(&node, output, verb),
        Noun::Partition(verb) => status::partitions(&node, output, verb),
        Noun::Node(verb) => status::node(&node, output, verb),
        Noun::Completions { .. } => unreachable!("it needs no node"),
    }
}

//! `cargo xtask`: the project's gate and chores.
//!
//! ```text
//! cargo xtask test     what a newcomer runs: every test there is
//! cargo xtask check    the gate: everything that must hold before a change is handed over; never writes
//! cargo xtask fix      its writing twin: what a tool can put right by itself
//! cargo xtask tidy     the house rules that no other tool knows
//! cargo xtask sim      simulated clusters: `--seeds N`, `--seed SEED --tell`, `--hours H`
//! cargo xtask fixtures a data directory of this build that later ones have to open: `NAME`
//! cargo xtask soak     a node under load that is killed again and again: `--minutes M --kill-every SECONDS`
//! cargo xtask money    a bank that is killed while money moves by agreement: `--transfers N --kills N`
//! ```
//!
//! Nothing here installs anything. What continuous integration runs is `.ci/run`, which calls the first two. Read
//! [`steps`] next: it is the gate, as a table.

mod arguments;
mod failure;
mod runner;
mod steps;
mod tidy;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::arguments::Command;
use crate::failure::Failure;

const FIXTURES: &[&str] = &["run", "-p", "apostate-server", "--example", "write_fixture"];
const SOAK: &[&str] = &["test", "--release", "-p", "apostate-server", "--test", "soak"];
const MONEY: &[&str] = &["test", "--release", "-p", "bank-node", "--test", "kill"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    match arguments::parse(env::args().skip(1))? {
        Command::Help => {
            print!("{}", arguments::usage());
            Ok(())
        }
        Command::Check(check) => runner::run_all(&root()?, &check.chosen(), check.keep_going),
        Command::Fix => runner::run_all(&root()?, &steps::FIXES.iter().collect::<Vec<_>>(), false),
        Command::Test => runner::run_all(&root()?, &[&steps::TESTS], false),
        Command::Tidy => tidy::run(&root()?),
        Command::Sim(words) => runner::run_with(&root()?, "sim", &["run", "--release", "-p", "apostate-sim"], &words),
        Command::Fixtures(words) => runner::run_with(&root()?, "fixtures", FIXTURES, &words),
        Command::Soak(words) => runner::run_with(&root()?, "soak", SOAK, &words),
        Command::Money(words) => runner::run_with(&root()?, "money", MONEY, &words),
    }
}

/// The workspace's folder. Cargo tells it when it runs us; nothing is baked into the binary.
fn root() -> Result<PathBuf, Failure> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or(Failure::NotUnderCargo)?;
    Path::new(&manifest).parent().map(Path::to_path_buf).ok_or(Failure::NotUnderCargo)
}

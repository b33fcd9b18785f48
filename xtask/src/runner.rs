//! Runs steps one after the other, and says how long each took.
//!
//! What a step's own tools print goes through untouched: their summary is the evidence, ours only frames it.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::steps::{Cargo, Step, Work};
use crate::tidy;

/// Runs `steps` in order. Stops at the first that fails, or after the last with `keep_going`.
pub(crate) fn run_all(root: &Path, steps: &[&Step], keep_going: bool) -> Result<(), Failure> {
    let mut failed = Vec::new();
    let mut times = Vec::new();
    for step in steps {
        say(&format!("{}: {}", step.name, step.proves));
        let start = Instant::now();
        let result = run(root, step);
        let time = start.elapsed();
        times.push((step.name, time));
        match result {
            Ok(()) => say(&format!("{}: ok, {}", step.name, seconds(time))),
            Err(Failure::Steps(_)) => {
                say(&format!("{}: FAILED, {}", step.name, seconds(time)));
                failed.push(step.name);
            }
            Err(failure) => {
                say(&format!("{}: FAILED, {failure}", step.name));
                failed.push(step.name);
            }
        }
        if !failed.is_empty() && !keep_going {
            break;
        }
    }
    say(&summary(steps.len(), &times));
    if failed.is_empty() { Ok(()) } else { Err(Failure::Steps(failed)) }
}

fn run(root: &Path, step: &Step) -> Result<(), Failure> {
    match &step.work {
        Work::Tidy => tidy::run(root),
        Work::Cargo(calls) => calls.iter().try_for_each(|call| run_cargo(root, step.name, call)),
        Work::Tool { run, installed, install } => {
            if !is_installed(root, installed)? {
                return Err(Failure::MissingTool { step: step.name, install });
            }
            run_cargo(root, step.name, run)
        }
    }
}

fn run_cargo(root: &Path, step: &'static str, call: &Cargo) -> Result<(), Failure> {
    say(&shown(call));
    let mut command = cargo(root);
    command.args(call.arguments).envs(call.environment.iter().copied());
    if start(&mut command)? { Ok(()) } else { Err(Failure::Steps(vec![step])) }
}

/// Runs cargo with `call`, and behind it `words`, which are for the program that it starts.
pub(crate) fn run_with(root: &Path, name: &'static str, call: &[&str], words: &[String]) -> Result<(), Failure> {
    let mut command = cargo(root);
    command.args(call).arg("--").args(words);
    if start(&mut command)? { Ok(()) } else { Err(Failure::Steps(vec![name])) }
}

fn is_installed(root: &Path, arguments: &[&str]) -> Result<bool, Failure> {
    start(cargo(root).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()))
}

/// The cargo that runs us, so that a toolchain chosen with `+` is kept.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    command
}

fn start(command: &mut Command) -> Result<bool, Failure> {
    let status = command.status().map_err(|source| Failure::NoTool { tool: "cargo".into(), source })?;
    Ok(status.success())
}

/// A call as one would type it.
fn shown(call: &Cargo) -> String {
    let mut words: Vec<String> = call.environment.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    words.push("cargo".into());
    words.extend(call.arguments.iter().map(|word| word.to_string()));
    words.join(" ")
}

fn summary(asked: usize, times: &[(&str, Duration)]) -> String {
    let steps: Vec<String> = times.iter().map(|(name, time)| format!("{name} {}", seconds(*time))).collect();
    let total = times.iter().map(|(_, time)| *time).sum();
    format!("{} of {asked} steps run in {}: {}", times.len(), seconds(total), steps.join(", "))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Prints one line of ours, and at once: the tools write to the same place by themselves.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    // A reader who has hung up does not need to be told.
    let _ = writeln!(out, "xtask> {line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_one_would_type_it() {
        let call = Cargo { arguments: &["doc", "--no-deps"], environment: &[("RUSTDOCFLAGS", "-D warnings")] };
        assert_eq!(shown(&call), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn the_summary_says_how_many_of_the_steps_were_run() {
        let times = [("fmt", Duration::from_millis(1250)), ("docs", Duration::from_secs(2))];
        assert_eq!(summary(3, &times), "2 of 3 steps run in 3.2 s: fmt 1.2 s, docs 2.0 s");
    }
}

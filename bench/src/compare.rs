//! `compare`: our `reserve` and the ceiling of this machine, in turns on the same disk.
//!
//! Absolute figures drift on a machine that others use too; what two programs reach one after the other, several times,
//! can be compared all the same. So each run is a process of its own, and the ratio is that of the medians. Beside it
//! stands the processor time of an order, of all threads, which neighbours disturb least.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::arguments::{CompareArguments, HostArguments, PaceArguments, ReserveArguments, StreamArguments};
use crate::failure::{Failure, io};
use crate::machine;
use crate::report::{Report, rounded};
use crate::scratch::Scratch;

/// Runs both, and reports medians and their ratio.
pub(crate) fn run(arguments: &CompareArguments) -> Result<Report, Failure> {
    let CompareArguments { reserve, bound_manifest, bound_binary, bound_orders, runs } = arguments;
    let bound = match (bound_manifest, bound_binary) {
        (Some(manifest), _) => build(manifest, &reserve.host.data)?,
        (None, Some(binary)) => binary.clone(),
        (None, None) => return Err(Failure::Wrong("there is nothing to compare with".to_owned())),
    };
    let ours = std::env::current_exe().map_err(io("this program cannot be found"))?;
    let parameters = json!({ "runs": runs, "bound_orders": bound_orders, "reserve": &reserve.stream, "partitions": reserve.host.partitions });
    let mut report = Report::new("compare", parameters);
    let (mut of_bound, mut of_ours) = (Vec::new(), Vec::new());
    for run in 1..=*runs {
        let scratch = Scratch::new(&reserve.host.data)?;
        let log = scratch.path().join("bound.log").into_os_string();
        of_bound.push(measured(&bound, &[bound_orders.to_string().into(), log])?);
        of_ours.push(measured(&ours, &command_line(reserve))?);
        eprintln!(
            "run {run} of {runs}: the bound {} orders/s, ours {}",
            rate(&of_bound[run - 1]),
            rate(&of_ours[run - 1])
        );
    }
    let (bound, ours) = (median(&of_bound), median(&of_ours));
    report.set("bound_orders_per_s", bound);
    report.set("orders_per_s", ours);
    report.set_rounded("ratio", ours / bound);
    report.set("outstanding", reserve.stream.outstanding);
    for name in [
        "messages_per_s",
        "log_bytes_per_order",
        "checkpoints",
        "trims",
        "p50_ms",
        "p99_ms",
        "p999_ms",
        "cpu_seconds",
        "cpu_microseconds_per_order",
        "peak_memory_bytes",
    ] {
        report.set(name, median_of(&of_ours, name));
    }
    for name in ["log_bytes_per_order", "cpu_microseconds_per_order"] {
        report.set(&format!("bound_{name}"), median_of(&of_bound, name));
    }
    report.set("bound_runs", of_bound);
    report.set("runs", of_ours);
    Ok(report)
}

/// Builds the ceiling, out of the way of everything else that is built.
fn build(manifest: &Path, data: &Path) -> Result<PathBuf, Failure> {
    let target = data.join("bound");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(&target);
    let status = cargo.status().map_err(io("cargo cannot be run"))?;
    if !status.success() {
        return Err(Failure::Program {
            program: "cargo".to_owned(),
            what: format!("did not build {}: {status}", manifest.display()),
        });
    }
    Ok(target.join("release").join(format!("bound{}", std::env::consts::EXE_SUFFIX)))
}

/// The words that run `reserve` so.
fn command_line(arguments: &ReserveArguments) -> Vec<OsString> {
    let ReserveArguments { host, stream, agreements } = arguments;
    let HostArguments { data, partitions, cache_bytes, checkpoint_log_bytes } = host;
    let StreamArguments { pace, outstanding, rate } = stream;
    let PaceArguments { seconds, warm_up, requests, seed } = pace;
    let mut words: Vec<OsString> = vec!["reserve".into(), "--json".into(), "--data".into(), data.into()];
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([format!("--{name}").into(), value.into()]);
        }
    };
    say("partitions", partitions.map(|it| it.to_string()));
    say("cache-bytes", cache_bytes.map(|it| it.to_string()));
    say("checkpoint-log-bytes", checkpoint_log_bytes.map(|it| it.to_string()));
    say("outstanding", Some(outstanding.to_string()));
    say("rate", rate.map(|it| it.to_string()));
    say("seconds", Some(seconds.to_string()));
    say("warm-up", Some(warm_up.to_string()));
    say("requests", requests.map(|it| it.to_string()));
    say("seed", Some(seed.to_string()));
    if *agreements {
        words.push("--agreements".into());
    }
    words
}

/// Runs a program that prints its figures as JSON on the last line of stdout.
fn measured(program: &Path, words: &[OsString]) -> Result<Value, Failure> {
    let failure = |what: String| Failure::Program { program: program.display().to_string(), what };
    let cpu = machine::cpu_seconds_of_programs();
    let output = Command::new(program).args(words).stderr(Stdio::inherit()).output();
    let output = output.map_err(io(format!("{} cannot be run", program.display())))?;
    if !output.status.success() {
        return Err(failure(format!("ended with {}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures: Value = text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    if !figures["orders_per_s"].is_number() {
        return Err(failure(format!("printed no figures: {text}")));
    }
    if let (true, Some(cpu), Some(now)) = (figures["cpu_seconds"].is_null(), cpu, machine::cpu_seconds_of_programs()) {
        figures["cpu_seconds"] = json!(rounded(now - cpu));
    }
    if let (Some(cpu), Some(orders)) = (figures["cpu_seconds"].as_f64(), figures["orders"].as_f64()) {
        figures["cpu_microseconds_per_order"] = json!(rounded(cpu * 1e6 / orders));
    }
    Ok(figures)
}

fn rate(figures: &Value) -> f64 {
    figures["orders_per_s"].as_f64().unwrap_or_default()
}

fn median(runs: &[Value]) -> f64 {
    median_of(runs, "orders_per_s").unwrap_or_default()
}

/// The middle one of a figure's values; of an even number of them, the mean of the two in the middle.
fn median_of(runs: &[Value], name: &str) -> Option<f64> {
    let mut values: Vec<f64> = runs.iter().filter_map(|run| run[name].as_f64()).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(rounded((low + high) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle_and_leaves_out_what_is_missing() {
        let runs = |values: &[f64]| values.iter().map(|value| json!({ "rate": value })).collect::<Vec<_>>();
        for (values, expected) in [(&[3.0, 1.0, 2.0][..], Some(2.0)), (&[4.0, 1.0][..], Some(2.5)), (&[][..], None)] {
            assert_eq!(median_of(&runs(values), "rate"), expected, "{values:?}");
        }
        assert_eq!(median_of(&runs(&[1.0]), "other"), None);
    }

    #[test]
    fn a_run_of_reserve_is_asked_for_with_the_same_words() {
        use clap::Parser;
        let words = ["bench", "reserve", "--partitions", "1", "--rate", "200", "--requests", "7", "--seconds", "1.5"];
        let once = crate::arguments::Arguments::parse_from(words);
        let crate::arguments::Workload::Reserve(once) = once.workload else { panic!("it is `reserve`") };
        let words = [OsString::from("bench")].into_iter().chain(command_line(&once));
        let again = crate::arguments::Arguments::parse_from(words);
        let crate::arguments::Workload::Reserve(again) = again.workload else { panic!("it is `reserve`") };
        assert_eq!(format!("{once:?}"), format!("{again:?}"));
    }
}

//! Every workload runs, verifies its outcome, and ends with its figures as one line of JSON.
//!
//! Nothing here says how fast anything has to be.

use std::process::Command;

use serde_json::Value;

/// Runs a workload with tiny counts; gives its figures.
fn figures(words: &[&str]) -> Value {
    let program = env!("CARGO_BIN_EXE_apostate-bench");
    let mut command = Command::new(program);
    command.args(words).arg("--json");
    if !["step", "peers", "entity-memory"].contains(&words[0]) {
        command.args(["--data", env!("CARGO_TARGET_TMPDIR")]);
    }
    let output = command.output().expect("the program runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?}: {stderr}");
    let last = stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{words:?}: {error}: {last}"))
}

/// Names that every report has, beside the figures named.
fn check(figures: &Value, workload: &str, numbers: &[&str]) {
    assert_eq!(figures["workload"], workload);
    assert_eq!(figures["system"], "apostate");
    assert_eq!(figures["version"], env!("CARGO_PKG_VERSION"));
    assert!(figures["parameters"].is_object());
    for name in numbers.iter().chain(&["cpu_seconds", "peak_memory_bytes"]) {
        assert!(figures[name].is_number(), "{workload} says nothing of {name}: {figures}");
    }
}

const DURABLE: [&str; 7] = ["checkpoints", "trims", "p50_ms", "p99_ms", "p999_ms", "outstanding", "loads"];
const FEW: [&str; 6] = ["--requests", "500", "--warm-up", "0", "--partitions", "2"];

#[test]
fn step() {
    let figures = figures(&["step", "--orders", "500"]);
    check(&figures, "step", &["orders_per_s", "messages_per_s", "log_bytes_per_order"]);
}

#[test]
fn entity_memory() {
    let figures = figures(&["entity-memory", "--entities", "20000"]);
    check(&figures, "entity-memory", &["bytes_per_entity", "bytes_per_entity_with_state"]);
}

#[test]
fn peers() {
    let figures = figures(&["peers", "--partitions", "1000", "--batches", "200"]);
    check(&figures, "peers", &["us_per_batch", "us_per_batch_mean"]);
}

#[test]
fn reserve() {
    let figures = figures(&[&["reserve"], &FEW[..]].concat());
    check(&figures, "reserve", &["orders_per_s", "messages_per_s", "log_bytes_per_order"]);
    check(&figures, "reserve", &DURABLE);
    assert_eq!(figures["orders"], 500);
    assert_eq!(figures["orders_audited"], 500);
}

#[test]
fn reserve_on_schedule() {
    let figures = figures(&["reserve", "--requests", "100", "--warm-up", "0", "--rate", "5000"]);
    assert_eq!(figures["orders"], 100);
}

#[test]
fn deposit() {
    let figures = figures(&[&["deposit", "--accounts", "100"], &FEW[..]].concat());
    check(&figures, "deposit", &["requests_per_s", "log_bytes_per_request"]);
    check(&figures, "deposit", &DURABLE);
}

#[test]
fn agree_and_ask() {
    for (workload, unit) in [("agree", "agreements"), ("ask", "asks")] {
        let figures = figures(&[&[workload], &FEW[..]].concat());
        check(&figures, workload, &[&format!("{unit}_per_s"), "p50_ms", "p99_ms", "outstanding"]);
        assert_eq!(figures[unit], 500);
    }
}

#[test]
fn agree_leaves_nothing_open() {
    assert_eq!(figures(&[&["agree"], &FEW[..]].concat())["open_at_end"], 0);
}

#[test]
fn timers() {
    let figures = figures(&["timers", "--seconds", "0.5", "--pending", "3000", "--rate", "4000", "--partitions", "2"]);
    check(&figures, "timers", &["fired_per_s", "late_p50_ms", "late_p99_ms", "pending"]);
    assert_eq!((&figures["early"], &figures["timers"]), (&0.into(), &2000.into()));
}

#[test]
fn over_http() {
    let few = [&FEW[..], &["--connections", "4"]].concat();
    for workload in ["deposit-http", "deposit-client", "order-http"] {
        let figures = figures(&[&[workload], &few[..]].concat());
        check(&figures, workload, &["p50_ms", "p99_ms", "busy_per_s"][..if workload == "order-http" { 2 } else { 3 }]);
    }
}

#[test]
fn hot() {
    let figures = figures(&[&["hot", "--state-bytes", "100,5_000"], &FEW[..]].concat());
    check(&figures, "hot", &["requests_per_s", "log_bytes_per_request"]);
    check(&figures, "hot", &DURABLE);
    let sizes: Vec<_> =
        figures["by_state_bytes"].as_array().expect("a list").iter().map(|it| &it["state_bytes"]).collect();
    assert_eq!(sizes, [100, 5000]);
}

#[test]
fn cold() {
    // Few at a time, so that there are many batches: entities are evicted when one closes.
    let few_at_a_time = ["--requests", "2000", "--outstanding", "16", "--warm-up", "0", "--partitions", "2"];
    let figures = figures(&[&["cold", "--cache-bytes", "200_000"], &few_at_a_time[..]].concat());
    check(&figures, "cold", &["requests_per_s", "log_bytes_per_request", "cache_bytes", "entity_bytes"]);
    check(&figures, "cold", &DURABLE);
    assert!(figures["loads"].as_u64() > Some(0), "nothing was cold: {figures}");
}

#[test]
fn recover() {
    let figures = figures(&["recover", "--log-bytes", "0,100_000", "--state-bytes", "50_000"]);
    check(&figures, "recover", &["seconds_to_serving", "requests_per_s"]);
    let logs = figures["by_size"].as_array().expect("a list");
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0]["requests"], 0);
    assert!(logs[1]["log_bytes"].as_u64() >= Some(100_000), "{figures}");
}

#[cfg(unix)]
#[test]
fn compare() {
    use std::os::unix::fs::PermissionsExt;
    let bound = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bound-of-a-test");
    std::fs::write(&bound, "#!/bin/sh\necho orders: $1\necho '{\"orders_per_s\":'$1'}'\n").expect("written");
    std::fs::set_permissions(&bound, PermissionsExt::from_mode(0o755)).expect("made a program");
    let bound = bound.to_str().expect("a path in UTF-8");
    let compare = ["compare", "--bound-binary", bound, "--bound-orders", "1000", "--runs", "2"];
    let figures = figures(&[&compare, &FEW[..]].concat());
    assert_eq!(figures["bound_orders_per_s"], 1000.0);
    let (ours, ratio) = (figures["orders_per_s"].as_f64(), figures["ratio"].as_f64());
    let (ours, ratio) = (ours.expect("ours"), ratio.expect("a ratio"));
    assert!((ours / 1000.0 - ratio).abs() < ratio / 100.0, "{ours} and {ratio}");
    assert_eq!(figures["runs"].as_array().map(Vec::len), Some(2));
}

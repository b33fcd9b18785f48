//! How fast the `files` engine appends: `cargo run --release -p apostate-log --example log_append -- DIR [SECONDS]`.
//!
//! For each size of record: partitions append with so many records under way, trim as a checkpoint would, and one
//! line of JSON says what came out. CPU seconds are those of the whole process, checksums of the records included.

use std::path::PathBuf;
use std::time::Duration;

use apostate_log::{AppendResult, Expected, FilesEngine, FilesSettings, Log, PartitionId, Position};
use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};

/// Records that a partition has under way.
const WINDOW: u64 = 8;

/// Log bytes between two trims: what a checkpointer would do.
const TRIM_BYTES: u64 = 128 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("usage: log_append DIR [SECONDS]")?);
    let seconds = arguments.next().map_or(Ok(5), |seconds| seconds.parse())?;
    for partitions in [1, 2] {
        for record_bytes in [200, 4 << 10, 32 << 10, 100 << 10, 300 << 10, 1 << 20] {
            measure(&dir, Duration::from_secs(seconds), partitions, record_bytes)?;
        }
    }
    Ok(())
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn measure(
    dir: &std::path::Path,
    duration: Duration,
    partitions: u64,
    record_bytes: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let dir = dir.join("log_append");
    let engine = FilesEngine::open(&dir, FilesSettings::default(), &Expected::default())?;
    let (ring, rung) = crossbeam_channel::bounded(1);
    let wake: std::sync::Arc<dyn Fn() + Send + Sync> = std::sync::Arc::new(move || {
        let _ = ring.try_send(());
    });
    let mut logs: Vec<_> = (1..=partitions).map(|partition| engine.log(PartitionId(partition), wake.clone())).collect();
    let record = Bytes::from(vec![7; record_bytes]);
    let (mut next, mut durable) = (vec![1; logs.len()], vec![0; logs.len()]);
    let (mut bytes, mut trimmed_at, mut done) = (0, 0, Vec::new());
    let started = seconds_of(ClockId::Monotonic);
    let cpu = seconds_of(ClockId::ProcessCPUTime);
    while seconds_of(ClockId::Monotonic) - started < duration.as_secs_f64() {
        for (number, log) in logs.iter_mut().enumerate() {
            while next[number] <= durable[number] + WINDOW {
                log.append(Position(next[number]), record.clone());
                next[number] += 1;
            }
        }
        rung.recv()?;
        for (number, log) in logs.iter_mut().enumerate() {
            log.poll(&mut done);
            for (position, result) in done.drain(..) {
                assert_eq!(result, AppendResult::Ok);
                durable[number] = position.0;
                bytes += record_bytes as u64;
            }
        }
        if bytes - trimmed_at > TRIM_BYTES {
            trimmed_at = bytes;
            for (log, durable) in logs.iter_mut().zip(&durable) {
                log.trim(Position(*durable));
            }
        }
    }
    let seconds = seconds_of(ClockId::Monotonic) - started;
    let cpu = seconds_of(ClockId::ProcessCPUTime) - cpu;
    let groups = engine.groups();
    println!(
        "{{\"workload\":\"log_append\",\"partitions\":{partitions},\"record_bytes\":{record_bytes},\"window\":{WINDOW},\
         \"mb_per_s\":{:.0},\"records_per_s\":{:.0},\"groups_per_s\":{:.0},\"group_bytes\":{:.0},\"cpu_share\":{:.2}}}",
        bytes as f64 / 1e6 / seconds,
        durable.iter().sum::<u64>() as f64 / seconds,
        groups as f64 / seconds,
        bytes as f64 / groups as f64,
        cpu / seconds
    );
    drop((logs, engine));
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

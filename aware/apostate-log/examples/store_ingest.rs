//! The throughput and the cost of the checkpoint store:
//! `cargo run --release -p apostate-log --example store_ingest -- DIR [--cells N] [--checkpoint N] [--seconds N]
//! [--reads N] [--cache MIB]`.
//!
//! New cells arrive at a rate, under keys that hash all over the ring, and are written in checkpoints, while another
//! thread reads cells: fifteen that do not exist, as every new entity is read once, and then one that does.
//! One line of JSON says what came out. Run a workload beside it to see what it leaves of the machine; the numbers
//! that decided are in `docs/design/store.md`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use apostate_log::{LsmStore, Store, StoreExpect};
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of so many reads one is for a cell that exists.
const READS_PER_HIT: u64 = 16;

struct Arguments {
    dir: PathBuf,
    cells_per_s: u64,
    checkpoint_cells: u64,
    seconds: f64,
    reads_per_s: u64,
    cache_bytes: u64,
}

fn arguments() -> Result<Arguments, Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let dir = PathBuf::from(words.next().ok_or("usage: store_ingest DIR [--cells N] …")?);
    let mut arguments = Arguments {
        dir: dir.join("store_ingest"),
        cells_per_s: 300_000,
        checkpoint_cells: 600_000,
        seconds: 60.0,
        reads_per_s: 80_000,
        cache_bytes: 64 << 20,
    };
    while let Some(word) = words.next() {
        let number: u64 = words.next().ok_or("a number is missing")?.parse()?;
        match word.as_str() {
            "--cells" => arguments.cells_per_s = number,
            "--checkpoint" => arguments.checkpoint_cells = number,
            "--seconds" => arguments.seconds = number as f64,
            "--reads" => arguments.reads_per_s = number,
            "--cache" => arguments.cache_bytes = number << 20,
            other => return Err(format!("{other} is not an argument").into()),
        }
    }
    Ok(arguments)
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A key as the partition makes them: section, kind, hash, the entity's own.
fn key(number: u64) -> [u8; 40] {
    let mut key = [b'o'; 40];
    let mut hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    key[..5].copy_from_slice(&[1, 0, 0, 0, 7]);
    key[5..13].copy_from_slice(&(hash ^ hash >> 29).to_be_bytes());
    key[20..28].copy_from_slice(&number.to_be_bytes());
    key
}

/// 120 to 200 bytes.
fn value(number: u64, bytes: &mut Vec<u8>) {
    let mut word = number;
    for _ in 0..15 + number * 7919 % 11 {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

/// The cells of one checkpoint, in one buffer, with the order of their keys.
#[derive(Default)]
struct Dirty {
    keys: Vec<([u8; 40], std::ops::Range<usize>)>,
    values: Vec<u8>,
}

impl Dirty {
    fn fill(&mut self, numbers: std::ops::Range<u64>) {
        self.keys.clear();
        self.values.clear();
        for number in numbers {
            let start = self.values.len();
            value(number, &mut self.values);
            self.keys.push((key(number), start..self.values.len()));
        }
        self.keys.sort_unstable_by_key(|(key, _)| *key);
    }
}

#[derive(Default)]
struct Reads {
    missing_ns: Vec<u32>,
    existing_ns: Vec<u32>,
    cpu_s: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = arguments()?;
    let store = LsmStore::open(&arguments.dir, StoreExpect::Fresh, arguments.cache_bytes)?;
    let (written, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reads = scope.spawn(|| read(&arguments, &store, &written, &is_over));
        let checkpoints = ingest(&arguments, &store, &written);
        is_over.store(true, Relaxed);
        let reads = reads.join().map_err(|_| "the thread that reads panicked")?;
        report(&arguments, &store, checkpoints?, reads, written.load(Relaxed))
    })?;
    drop(store);
    std::fs::remove_dir_all(&arguments.dir)?;
    Ok(())
}

struct Checkpoints {
    count: u64,
    slowest_s: f64,
    cpu_s: f64,
    runs_max: usize,
    seconds: f64,
}

fn ingest(
    arguments: &Arguments,
    store: &LsmStore,
    written: &AtomicU64,
) -> Result<Checkpoints, Box<dyn std::error::Error>> {
    let mut checkpoints = Checkpoints { count: 0, slowest_s: 0.0, cpu_s: 0.0, runs_max: 0, seconds: 0.0 };
    let mut dirty = Dirty::default();
    let started = seconds_of(ClockId::Monotonic);
    loop {
        checkpoints.seconds = seconds_of(ClockId::Monotonic) - started;
        if checkpoints.seconds >= arguments.seconds {
            return Ok(checkpoints);
        }
        let from = written.load(Relaxed);
        let to = from + arguments.checkpoint_cells;
        if checkpoints.seconds * (arguments.cells_per_s as f64) < to as f64 {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        dirty.fill(from..to);
        let (began, cpu) = (seconds_of(ClockId::Monotonic), seconds_of(ClockId::ThreadCPUTime));
        let mut cells = dirty.keys.iter().map(|(key, range)| (&key[..], Some(&dirty.values[range.clone()])));
        store.checkpoint(&mut cells)?;
        checkpoints.slowest_s = checkpoints.slowest_s.max(seconds_of(ClockId::Monotonic) - began);
        checkpoints.cpu_s += seconds_of(ClockId::ThreadCPUTime) - cpu;
        checkpoints.count += 1;
        checkpoints.runs_max = checkpoints.runs_max.max(store.figures().runs);
        written.store(to, Relaxed);
    }
}

fn read(arguments: &Arguments, store: &LsmStore, written: &AtomicU64, is_over: &AtomicBool) -> Reads {
    let mut reads = Reads::default();
    let started = seconds_of(ClockId::Monotonic);
    let mut number = 0u64;
    while !is_over.load(Relaxed) {
        let due = ((seconds_of(ClockId::Monotonic) - started) * arguments.reads_per_s as f64) as u64;
        if number >= due {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        for _ in 0..READS_PER_HIT {
            number += 1;
            let written = written.load(Relaxed);
            let exists = number.is_multiple_of(READS_PER_HIT) && written > 0;
            let wanted = if exists { number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % written } else { 1 << 60 | number };
            let began = seconds_of(ClockId::Monotonic);
            let found = store.get(&key(wanted)).expect("an answer").is_some();
            let took = ((seconds_of(ClockId::Monotonic) - began) * 1e9) as u32;
            assert_eq!(found, exists, "cell {wanted}");
            if exists { reads.existing_ns.push(took) } else { reads.missing_ns.push(took) }
        }
    }
    reads.cpu_s = seconds_of(ClockId::ThreadCPUTime);
    reads
}

fn percentiles(mut ns: Vec<u32>) -> [f64; 3] {
    ns.sort_unstable();
    let at = |share: f64| ns.get((ns.len() as f64 * share) as usize).map_or(0.0, |ns| f64::from(*ns) / 1e3);
    [at(0.5), at(0.99), at(0.999)]
}

fn report(
    arguments: &Arguments,
    store: &LsmStore,
    checkpoints: Checkpoints,
    reads: Reads,
    written: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let seconds = checkpoints.seconds;
    let figures = store.figures();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!(
        "{{\"workload\":\"store_ingest\",\"seconds\":{seconds:.0},\"cells_per_s\":{:.0},\"checkpoints\":{},\
         \"checkpoint_slowest_s\":{:.2},\"runs_max\":{},\"disk_bytes_per_cell\":{:.0},\"files_bytes_per_cell\":{:.0},\
         \"checkpoint_cpu_share\":{:.2},\"read_cpu_share\":{:.2},\"cpu_share\":{:.2},\"reads_per_s\":{:.0},\
         \"missing_us\":{:.1?},\"existing_us\":{:.1?},\"pinned_bytes\":{},\"cache_bytes\":{},\"memory_peak\":\"{peak}\"}}",
        written as f64 / seconds,
        checkpoints.count,
        checkpoints.slowest_s,
        checkpoints.runs_max,
        figures.disk_bytes as f64 / written as f64,
        bytes_in(&arguments.dir)? as f64 / written as f64,
        checkpoints.cpu_s / seconds,
        reads.cpu_s / seconds,
        seconds_of(ClockId::ProcessCPUTime) / seconds,
        (reads.missing_ns.len() + reads.existing_ns.len()) as f64 / seconds,
        percentiles(reads.missing_ns),
        percentiles(reads.existing_ns),
        figures.pinned_bytes,
        arguments.cache_bytes,
    );
    Ok(())
}

fn bytes_in(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { bytes_in(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

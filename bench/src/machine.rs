//! Costs of this process so far, and the load of the machine besides.

use std::fs;

use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// Processor time of all threads of this process, in seconds.
pub(crate) fn cpu_seconds() -> f64 {
    seconds_of(ClockId::ProcessCPUTime)
}

/// Processor time of the thread that asks, in seconds.
pub(crate) fn cpu_seconds_of_thread() -> f64 {
    seconds_of(ClockId::ThreadCPUTime)
}

fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Processor time of all programs that this process has run to their ends, in seconds; none where the system does not
/// tell.
pub(crate) fn cpu_seconds_of_programs() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program comes before, in parentheses, and may hold anything.
    let (_, figures) = stat.rsplit_once(')')?;
    let ticks: Vec<u64> = figures.split_whitespace().skip(13).take(2).filter_map(|it| it.parse().ok()).collect();
    Some(ticks.iter().sum::<u64>() as f64 / clock_ticks_per_second() as f64)
}

/// The most memory that this process has had resident; none where the system does not tell.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    memory("VmHWM:")
}

/// The memory that this process has resident; none where the system does not tell.
pub(crate) fn resident_bytes() -> Option<u64> {
    memory("VmRSS:")
}

fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Lets [`peak_memory_bytes`] begin anew, at what is resident now. Where the system does not let us, it goes on.
pub(crate) fn forget_peak_memory() {
    // Not everywhere is there such a file; a peak that is too high is still an honest one.
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// The average number of threads that wanted to run in the last minute; none where the system does not tell.
pub(crate) fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_processor_time() {
        let before = cpu_seconds();
        let mut sum = 0_u64;
        while cpu_seconds() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_seconds() > before);
    }
}

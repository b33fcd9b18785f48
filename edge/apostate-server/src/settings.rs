//! Settings of a node. Everything has a default; that of the data is the folder `data`, where the process runs.

mod check;
pub(crate) mod quota;
mod traces;

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use apostate_log::SEGMENT_BYTES;
use apostate_partition::Tuning;

use crate::clock::HostClock;
pub use crate::settings::check::SettingsError;
pub(crate) use crate::settings::check::{check, check_time};
use crate::settings::quota::{CACHE_BYTES_MIN, CHECKPOINT_LOG_BYTES_MIN, SharedBytes};
pub use crate::settings::traces::{Share, TraceSettings};

/// Most partitions that new data begins with: an idle node of so many takes about 60 MB.
pub const PARTITIONS_MAX: u32 = 4096;

/// Most executor threads.
pub(crate) const THREADS_MAX: usize = 512;

/// Smallest segment of the log: smaller ones would be nothing but headers and renames.
const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// Largest segment of the log: it is one file, and trimmed as a whole.
const SEGMENT_BYTES_MAX: u64 = 16 << 30;

/// Most memory, or log between two checkpoints, that a setting can mean: no machine has more.
const BYTES_MAX: u64 = 16 << 40;

/// Most of anything that is counted: connections, requests, streams.
pub(crate) const COUNT_MAX: usize = 1 << 20;

/// Client keys are remembered for at least as long as clients ask again, or some of those would have things done twice.
const CLIENT_KEY_RETENTION_MIN: Duration = Duration::from_secs(60);

/// The settings of a node. Sizes are those of the whole process: threads that have partitions share them evenly, and so do the partitions of
/// each; they are divided again when one moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The directory of the data. Created when it is not there.
    pub data: PathBuf,
    /// How many partitions new data begins with. None: one per core. Data that is there has as many as it has, and opens with those.
    pub partitions: Option<u32>,
    /// How many executor threads. None: one per core.
    pub threads: Option<usize>,
    /// Threads that read entities from the store.
    pub loaders: usize,
    /// Bytes of entities that are kept in memory beyond those that have to be.
    pub cache_bytes: usize,
    /// Bytes of the store's own cache of blocks.
    pub store_cache_bytes: usize,
    /// Bytes of changed entities that may wait for a checkpoint before no new work is taken.
    pub dirty_bytes_max: usize,
    /// Bytes of log after which a checkpoint is made. More: fewer checkpoints, and a longer start after a crash.
    pub checkpoint_log_bytes: u64,
    /// Bytes of one segment file of the log.
    pub segment_bytes: u64,
    /// Requests that may wait for their answers in one partition.
    pub partition_requests_max: usize,
    /// How long client keys are remembered.
    pub client_key_retention: Duration,
    /// Whether the wall clock of this start is right, however far it is ahead of the newest record. Without that, a node that
    /// stood still for more than half a day, or half of `client_key_retention`, catches up at twice the speed of its clock:
    /// nothing but a person can tell such a stop from a clock that is wrong.
    pub trust_clock: bool,
    /// How long, in all, a message between entities whose handler panics is tried again before it is parked. More: a
    /// cause that passes is outlived more often; its entity's later messages wait as long.
    pub retry_time_max: Duration,
    /// How long a graceful stop waits for messages to arrive. What has not arrived is on disk, and arrives after the
    /// next start.
    pub stop_patience: Duration,
    /// The collector of traces. None: nothing is traced.
    pub traces: Option<TraceSettings>,
    /// The clocks of the host.
    pub clock: HostClock,
}

impl Default for Settings {
    fn default() -> Self {
        let tuning = Tuning::default();
        Self {
            data: PathBuf::from("data"),
            partitions: None,
            threads: None,
            loaders: 2,
            cache_bytes: tuning.cache_bytes,
            store_cache_bytes: 32 << 20,
            dirty_bytes_max: tuning.dirty_bytes_max,
            checkpoint_log_bytes: tuning.checkpoint_log_bytes,
            segment_bytes: SEGMENT_BYTES,
            partition_requests_max: tuning.requests_max,
            client_key_retention: tuning.client_key_retention,
            trust_clock: false,
            retry_time_max: tuning.retry_time_max,
            stop_patience: Duration::from_secs(10),
            traces: None,
            clock: HostClock::default(),
        }
    }
}

impl Settings {
    /// The settings for the data in `data`, all else by default.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// Checks every setting that can be judged before the data is known.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let Self {
            data,
            partitions,
            threads,
            loaders,
            cache_bytes,
            store_cache_bytes,
            dirty_bytes_max,
            checkpoint_log_bytes,
            segment_bytes,
            partition_requests_max,
            client_key_retention,
            trust_clock: _,
            retry_time_max,
            stop_patience,
            traces,
            clock: _,
        } = self;
        check(!data.as_os_str().is_empty(), "data", &"empty", "a directory")?;
        if let Some(count) = partitions {
            check((1..=PARTITIONS_MAX).contains(count), "partitions", count, &format!("1 to {PARTITIONS_MAX}"))?;
        }
        if let Some(count) = threads {
            check((1..=THREADS_MAX).contains(count), "threads", count, &format!("1 to {THREADS_MAX}"))?;
        }
        if let Some(traces) = traces {
            traces.validate()?;
        }
        check((1..=64).contains(loaders), "loaders", loaders, "1 to 64")?;
        let sizes = [
            ("cache-bytes", *cache_bytes as u64),
            ("store-cache-bytes", *store_cache_bytes as u64),
            ("dirty-bytes-max", *dirty_bytes_max as u64),
            ("checkpoint-log-bytes", *checkpoint_log_bytes),
        ];
        for (setting, bytes) in sizes {
            check(bytes <= BYTES_MAX, setting, &bytes, &format!("at most {BYTES_MAX}"))?;
        }
        let allowed = format!("{SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}");
        let fits = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(segment_bytes);
        check(fits, "segment-bytes", segment_bytes, &allowed)?;
        let allowed = format!("16 to {COUNT_MAX}");
        check(
            (16..=COUNT_MAX).contains(partition_requests_max),
            "partition-requests-max",
            partition_requests_max,
            &allowed,
        )?;
        check_time("client-key-retention", *client_key_retention, CLIENT_KEY_RETENTION_MIN)?;
        check_time("retry-time-max", *retry_time_max, Duration::ZERO)?;
        check_time("stop-patience", *stop_patience, Duration::ZERO)
    }

    /// How many partitions new data gets.
    pub(crate) fn partitions_at_first_start(&self) -> u32 {
        let cores = u32::try_from(cores()).unwrap_or(PARTITIONS_MAX);
        self.partitions.unwrap_or_else(|| cores.min(PARTITIONS_MAX))
    }

    /// How many executors there are, whatever partitions come and go.
    pub(crate) fn executors(&self) -> usize {
        self.threads.unwrap_or_else(|| cores().min(THREADS_MAX))
    }

    /// How far ahead of the newest record the wall clock of a start may be.
    fn clock_gap_max(&self) -> Duration {
        // What was done just before a stop is remembered for the other half, whatever the clock says.
        let gap_max = Tuning::default().clock_gap_max.min(self.client_key_retention / 2);
        if self.trust_clock { Duration::MAX } else { gap_max }
    }

    /// What all partitions have together.
    pub(crate) fn shared_bytes(&self) -> SharedBytes {
        let Self { cache_bytes, dirty_bytes_max, checkpoint_log_bytes, .. } = *self;
        SharedBytes { cache_bytes, dirty_bytes_max, checkpoint_log_bytes }
    }

    /// One partition's share, of `partitions`, until it is given a quota.
    pub(crate) fn tuning(&self, partitions: u32) -> Result<Tuning, SettingsError> {
        let share = |setting, bytes: u64, least: u64| {
            let share = bytes / u64::from(partitions);
            let allowed = || format!("at least {} for {partitions} partitions", least * u64::from(partitions));
            if share < least {
                return Err(SettingsError { setting, value: bytes.to_string(), allowed: allowed() });
            }
            Ok(share)
        };
        let memory = |setting, bytes: usize| {
            let share = share(setting, bytes as u64, CACHE_BYTES_MIN as u64)?;
            Ok(usize::try_from(share).unwrap_or(usize::MAX))
        };
        Ok(Tuning {
            cache_bytes: memory("cache-bytes", self.cache_bytes)?,
            dirty_bytes_max: memory("dirty-bytes-max", self.dirty_bytes_max)?,
            checkpoint_log_bytes: share("checkpoint-log-bytes", self.checkpoint_log_bytes, CHECKPOINT_LOG_BYTES_MIN)?,
            requests_max: self.partition_requests_max,
            client_key_retention: self.client_key_retention,
            producer_retention: self.client_key_retention,
            clock_gap_max: self.clock_gap_max(),
            retry_time_max: self.retry_time_max,
            ..Tuning::default()
        })
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_for_any_number_of_partitions_up_to_the_limit() {
        let settings = Settings::default();
        assert_eq!(settings.validate(), Ok(()));
        for partitions in [1, 2, 7, PARTITIONS_MAX] {
            let tuning = settings.tuning(partitions).expect("a share of the defaults");
            assert_eq!(tuning.cache_bytes, settings.cache_bytes / partitions as usize);
        }
    }

    #[test]
    fn a_setting_that_cannot_be_is_named_with_what_it_may_be() {
        let cases = [
            (Settings { partitions: Some(0), ..Settings::default() }, "`partitions` is 0; choose 1 to 4096"),
            (Settings { partitions: Some(4097), ..Settings::default() }, "`partitions` is 4097; choose 1 to 4096"),
            (Settings { threads: Some(0), ..Settings::default() }, "`threads` is 0; choose 1 to 512"),
            (Settings { loaders: 0, ..Settings::default() }, "`loaders` is 0; choose 1 to 64"),
            (Settings::new(""), "`data` is empty; choose a directory"),
        ];
        for (settings, expected) in cases {
            assert_eq!(settings.validate().unwrap_err().to_string(), expected);
        }
        let settings = Settings { cache_bytes: 100_000, ..Settings::default() };
        let error = settings.tuning(2).unwrap_err().to_string();
        assert_eq!(error, "`cache-bytes` is 100000; choose at least 131072 for 2 partitions");
    }

    #[test]
    fn what_nobody_can_have_is_refused_before_anything_starts() {
        let (huge, long) = (usize::MAX, Duration::MAX);
        let default = Settings::default;
        let cases = [
            ("cache-bytes", Settings { cache_bytes: huge, ..default() }, "at most 17592186044416"),
            ("store-cache-bytes", Settings { store_cache_bytes: huge, ..default() }, "at most 17592186044416"),
            ("dirty-bytes-max", Settings { dirty_bytes_max: huge, ..default() }, "at most 17592186044416"),
            (
                "checkpoint-log-bytes",
                Settings { checkpoint_log_bytes: u64::MAX, ..default() },
                "at most 17592186044416",
            ),
            ("segment-bytes", Settings { segment_bytes: u64::MAX, ..default() }, "65536 to 17179869184"),
            ("partition-requests-max", Settings { partition_requests_max: huge, ..default() }, "16 to 1048576"),
            (
                "client-key-retention",
                Settings { client_key_retention: long, ..default() },
                "at least 60s and at most 365 days",
            ),
            ("retry-time-max", Settings { retry_time_max: long, ..default() }, "at most 365 days"),
            ("stop-patience", Settings { stop_patience: long, ..default() }, "at most 365 days"),
        ];
        for (setting, settings, allowed) in cases {
            let error = settings.validate().unwrap_err();
            assert_eq!((error.setting, error.allowed.as_str()), (setting, allowed));
        }
    }

    #[test]
    fn there_are_as_many_executors_as_threads_were_asked_for() {
        for threads in [1, 200, THREADS_MAX] {
            assert_eq!(Settings { threads: Some(threads), ..Settings::default() }.executors(), threads);
        }
        assert_eq!(Settings::default().executors(), cores(), "as the machine has");
    }
}

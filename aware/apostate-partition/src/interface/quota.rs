//! Quota: how much a partition may use of what all partitions of its host have together.

/// A partition's part of memory and log. A host divides both again when partitions come, go or move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// See [`Tuning::cache_bytes`](crate::Tuning::cache_bytes).
    pub cache_bytes: usize,
    /// See [`Tuning::dirty_bytes_max`](crate::Tuning::dirty_bytes_max).
    pub dirty_bytes_max: usize,
    /// See [`Tuning::checkpoint_log_bytes`](crate::Tuning::checkpoint_log_bytes).
    pub checkpoint_log_bytes: u64,
}

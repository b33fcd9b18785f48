//! Quotas: the parts of what a node has for all of its partitions, divided anew whenever one comes, goes or moves.

use apostate_partition::Quota;

/// Smallest share of the cache that one partition can work with.
pub(super) const CACHE_BYTES_MIN: usize = 64 << 10;

/// Least log between two checkpoints of one partition: less would be nothing but checkpoints. The default has room for the most partitions.
pub(super) const CHECKPOINT_LOG_BYTES_MIN: u64 = 32 << 10;

/// What the partitions of a node have together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedBytes {
    pub(crate) cache_bytes: usize,
    pub(crate) dirty_bytes_max: usize,
    pub(crate) checkpoint_log_bytes: u64,
}

impl SharedBytes {
    /// The quota of each of the partitions of one executor, that has `here` of them, if so many `executors` have any. An executor with few
    /// partitions has as much as one with many: those are there because they do as much together.
    pub(crate) fn quota(self, executors: usize, here: usize) -> Quota {
        let Self { cache_bytes, dirty_bytes_max, checkpoint_log_bytes } = self;
        let parts = executors.max(1) * here.max(1);
        Quota {
            cache_bytes: (cache_bytes / parts).max(CACHE_BYTES_MIN),
            dirty_bytes_max: (dirty_bytes_max / parts).max(CACHE_BYTES_MIN),
            checkpoint_log_bytes: (checkpoint_log_bytes / parts as u64).max(CHECKPOINT_LOG_BYTES_MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn all_quotas_together_are_all_that_there_is() {
        let settings = Settings::default();
        let at = [1_usize, 3, 12];
        let quota = |here| settings.shared_bytes().quota(at.len(), here);
        let sum: usize = at.iter().map(|here| here * quota(*here).cache_bytes).sum();
        assert!((settings.cache_bytes - 64..=settings.cache_bytes).contains(&sum), "{sum}");
        assert_eq!(quota(1).dirty_bytes_max, settings.dirty_bytes_max / 3);
        assert_eq!(quota(1 << 30).cache_bytes, CACHE_BYTES_MIN, "less is of no use");
    }
}

//! What a run will be like: every parameter, drawn from the seed before it begins.

use std::time::Duration;

use apostate_partition::Tuning;

use crate::agenda::{Moment, SECOND};
use crate::luck::Luck;

/// What a run will be like.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) partitions: u32,
    pub(crate) places: usize,
    pub(crate) tuning: Tuning,
    /// An embedded engine loses what is not synced with the machine; one across a network may write late.
    pub(crate) is_embedded: bool,
    /// Longest usual delays.
    pub(crate) append_delay: Moment,
    pub(crate) frame_delay: Moment,
    pub(crate) store_delay: Moment,
    pub(crate) turn_delay: Moment,
    pub(crate) request_delay: Moment,
    /// How long misfortunes come.
    pub(crate) chaos: Moment,
    /// Misfortunes come about this far apart.
    pub(crate) misfortune_gap: Moment,
    /// Parts in a thousand.
    pub(crate) frame_rate: u64,
    pub(crate) append_rate: u64,
    pub(crate) client_rate: u64,
    pub(crate) store_rate: u64,
    pub(crate) work: Work,
}

/// What is asked of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) transfers: u64,
    pub(crate) accounts: u64,
    pub(crate) parcels: u64,
    pub(crate) posts: u16,
    pub(crate) hops: u16,
    pub(crate) orders: u64,
    pub(crate) products: u16,
    pub(crate) pokes: u64,
    pub(crate) registers: u64,
    pub(crate) producers: u16,
    pub(crate) numbers: u64,
}

impl Plan {
    pub(crate) fn draw(luck: &mut Luck) -> Self {
        let partitions = luck.between(1, 4) as u32;
        // Now and then nothing goes wrong by itself, so that what needs long luck is reached as well.
        let frame_rate = luck.pick(&[0, 5, 30, 100, 300]);
        let append_rate = luck.pick(&[0, 5, 30, 100]);
        Self {
            partitions,
            places: luck.between(1, u64::from(partitions)) as usize,
            tuning: draw_tuning(luck),
            is_embedded: luck.chance(500),
            append_delay: luck.pick(&[100, 2_000, 20_000]),
            frame_delay: luck.pick(&[50, 1_000, 20_000]),
            store_delay: luck.pick(&[50, 1_000, 30_000]),
            turn_delay: luck.pick(&[1, 100, 5_000]),
            request_delay: luck.pick(&[50, 2_000]),
            chaos: luck.between(6, 20) * SECOND,
            misfortune_gap: luck.pick(&[200_000, 500_000, 1_000_000]),
            frame_rate,
            append_rate,
            client_rate: luck.pick(&[0, 10, 100]),
            store_rate: luck.pick(&[0, 30, 200]),
            work: draw_work(luck),
        }
    }
}

fn draw_tuning(luck: &mut Luck) -> Tuning {
    Tuning {
        append_window: luck.between(1, 4) as usize,
        batch_messages_max: luck.pick(&[1, 2, 5, 50, 4096]),
        cache_bytes: luck.pick(&[0, 2_000, 20_000, 1 << 20]),
        checkpoint_log_bytes: luck.pick(&[1, 2_000, 50_000, 1 << 20]),
        dirty_bytes_max: luck.pick(&[10_000, 1 << 20]),
        credit_bytes: luck.pick(&[1, 500, 20_000, 4 << 20]),
        requests_max: luck.pick(&[4, 65_536]),
        client_key_retention: Duration::from_secs(24 * 3600),
        load_patience: Duration::from_millis(luck.pick(&[0, 0, 5, 50])),
        outbox_memory: luck.pick(&[0, 100, 2_000, 64 << 20]),
        inbox_memory: luck.pick(&[0, 1_000, 64 << 20]),
        backlog_bytes_max: luck.pick(&[5_000, 1 << 20]),
        answers_bytes_max: luck.pick(&[100, 32 << 20]),
        retry_time_max: Duration::from_millis(luck.pick(&[0, 1_000, 5_000, 30_000])),
        ..Tuning::default()
    }
}

fn draw_work(luck: &mut Luck) -> Work {
    Work {
        transfers: luck.between(100, 500),
        accounts: luck.between(2, 30),
        parcels: luck.between(20, 80),
        posts: luck.between(1, 24) as u16,
        hops: luck.between(10, 60) as u16,
        orders: luck.between(10, 60),
        products: luck.between(1, 12) as u16,
        pokes: luck.between(0, 12),
        registers: luck.between(1, 4),
        producers: luck.between(1, 3) as u16,
        numbers: luck.between(50, 400),
    }
}

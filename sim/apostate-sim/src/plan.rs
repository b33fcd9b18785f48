//! The plan of a run: every parameter, drawn from the seed before it begins.

use std::time::Duration;

use apostate_partition::Tuning;
use apostate_partition::limits::RECORD_BYTES_MAX;
use apostate_world::{Moment, Rng, SECOND};

/// Keeps the random numbers of a seed here apart from those of the same seed in the authors' test kit.
pub(crate) const SALT: u64 = 0x5851_F42D_4C95_7F2D;

/// The same for what is drawn besides.
pub(crate) const SPLIT_SALT: u64 = 0x1405_7B7E_F767_814F;

/// The same for partitions that split and go on.
pub(crate) const REPARTITION_SALT: u64 = 0x2545_F491_4F6C_DD1D;

/// Every parameter of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) partitions: u32,
    pub(crate) nodes: usize,
    pub(crate) tuning: Tuning,
    /// An embedded engine loses what is not synced with the machine; one across a network may write late.
    pub(crate) is_embedded: bool,
    /// Longest usual delays.
    pub(crate) append_delay: Moment,
    pub(crate) frame_delay: Moment,
    pub(crate) store_delay: Moment,
    pub(crate) turn_delay: Moment,
    pub(crate) request_delay: Moment,
    /// How long faults come.
    pub(crate) chaos: Moment,
    /// faults come about this far apart.
    pub(crate) fault_interval: Moment,
    /// Parts in a thousand.
    pub(crate) frame_rate: u64,
    pub(crate) append_rate: u64,
    pub(crate) client_rate: u64,
    pub(crate) store_rate: u64,
    pub(crate) work: Work,
}

/// The load on the cluster.
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
    pub(crate) flights: u64,
    pub(crate) registers: u64,
    pub(crate) producers: u16,
    pub(crate) numbers: u64,
    /// Calls under client keys that others use too, and used long ago.
    pub(crate) shared_keys: u64,
    pub(crate) winds: u64,
    pub(crate) alarms: u64,
    pub(crate) askers: u16,
    pub(crate) leavers: u16,
    pub(crate) asks: u64,
    pub(crate) dealers: u16,
    pub(crate) deals: u64,
    pub(crate) brokers: u16,
    pub(crate) commissions: u64,
}

/// Client keys that are remembered for no longer than this are forgotten in the middle of a run.
const RETENTION_SHORT: Duration = Duration::from_secs(60);

impl Plan {
    /// Whether client keys are forgotten in the middle of the run.
    pub(crate) fn forgets_soon(&self) -> bool {
        self.tuning.client_key_retention <= RETENTION_SHORT
    }

    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let partitions = rng.between(1, 4) as u32;
        // Now and then nothing goes wrong by itself, so that what needs long rng is reached as well.
        let frame_rate = rng.pick(&[0, 5, 30, 100, 300]);
        let append_rate = rng.pick(&[0, 5, 30, 100]);
        Self {
            partitions,
            nodes: rng.between(1, u64::from(partitions)) as usize,
            tuning: draw_tuning(rng),
            is_embedded: rng.chance(500),
            append_delay: rng.pick(&[100, 2_000, 20_000]),
            frame_delay: rng.pick(&[50, 1_000, 20_000]),
            store_delay: rng.pick(&[50, 1_000, 30_000]),
            turn_delay: rng.pick(&[1, 100, 5_000]),
            request_delay: rng.pick(&[50, 2_000]),
            chaos: rng.between(6, 20) * SECOND,
            fault_interval: rng.pick(&[200_000, 500_000, 1_000_000]),
            frame_rate,
            append_rate,
            client_rate: rng.pick(&[0, 10, 100]),
            store_rate: rng.pick(&[0, 30, 200]),
            work: draw_work(rng),
        }
    }
}

fn draw_tuning(rng: &mut Rng) -> Tuning {
    let hour = 3600;
    let client_key_retention = Duration::from_secs(rng.pick(&[2, 10, 24 * hour, 24 * hour]));
    // Where keys are forgotten soon, a client has to know how fast time goes on.
    let gaps = if client_key_retention <= RETENTION_SHORT { [0; 3] } else { [0, 60, 12 * hour] };
    let clock_gap_max = Duration::from_secs(rng.pick(&gaps));
    Tuning {
        record_bytes_max: RECORD_BYTES_MAX,
        append_window: rng.between(1, 4) as usize,
        batch_messages_max: rng.pick(&[1, 2, 5, 50, 4096]),
        cache_bytes: rng.pick(&[0, 2_000, 20_000, 1 << 20]),
        checkpoint_log_bytes: rng.pick(&[1, 2_000, 50_000, 1 << 20]),
        dirty_bytes_max: rng.pick(&[10_000, 1 << 20]),
        credit_bytes: rng.pick(&[1, 500, 20_000, 4 << 20]),
        requests_max: rng.pick(&[4, 65_536]),
        client_key_retention,
        clock_gap_max,
        load_patience: Duration::from_millis(rng.pick(&[0, 0, 5, 50])),
        outbox_memory: rng.pick(&[0, 100, 2_000, 64 << 20]),
        inbox_max: rng.pick(&[10, 1_000_000]),
        inbox_memory: rng.pick(&[0, 1_000, 64 << 20]),
        backlog_bytes_max: rng.pick(&[5_000, 1 << 20]),
        answers_bytes_max: rng.pick(&[100, 32 << 20]),
        retry_time_max: Duration::from_millis(rng.pick(&[0, 1_000, 5_000, 30_000])),
        producer_retention: Duration::from_millis(rng.pick(&[100, 1_000, 24 * 3_600_000])),
        silent_producers_max: rng.pick(&[0, 4096]),
        check_every: 4,
    }
}

fn draw_work(rng: &mut Rng) -> Work {
    Work {
        transfers: rng.between(100, 500),
        accounts: rng.between(2, 30),
        parcels: rng.between(20, 80),
        posts: rng.between(1, 24) as u16,
        hops: rng.between(10, 60) as u16,
        orders: rng.between(10, 60),
        products: rng.between(1, 12) as u16,
        pokes: rng.between(0, 12),
        flights: rng.between(0, 60),
        registers: rng.between(1, 4),
        producers: rng.between(1, 3) as u16,
        numbers: rng.between(50, 400),
        shared_keys: rng.between(0, 60),
        winds: rng.between(10, 80),
        alarms: rng.between(1, 8),
        askers: rng.between(1, 10) as u16,
        leavers: rng.between(1, 3) as u16,
        asks: rng.between(20, 100),
        dealers: rng.between(2, 8) as u16,
        deals: rng.between(10, 60),
        brokers: rng.between(1, 6) as u16,
        commissions: rng.between(20, 120),
    }
}

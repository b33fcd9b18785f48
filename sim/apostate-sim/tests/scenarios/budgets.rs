//! The cache budget: kept under reads of what does not exist, under refusals and under duplicates, too.

use apostate_log::{Log, Position};
use apostate_partition::{Answer, Input, Quota, Tuning};

use crate::pair::{Letterbox, Making, Writer, key_in};
use crate::parcel::{Parcel, keys_in, parcels, read};

/// The budget of these scenarios.
const CACHE_BYTES: usize = 256 << 10;

/// Requests of one batch: what they touch fits into the budget about once.
const BATCH: usize = 1024;

/// Twice of it may be in use for a moment: what one batch touched, before it is evicted.
const PEAK_BYTES_MAX: usize = 2 * CACHE_BYTES;

fn writer() -> Writer {
    Writer::first(1, parcels(Tuning { cache_bytes: CACHE_BYTES, check_every: BATCH as u32, ..Tuning::default() }))
        .open()
}

/// Calls `ask` with many keys, a batch at a time. Gives the most bytes that entities took after a batch.
fn peak(writer: &mut Writer, count: usize, mut ask: impl FnMut(&mut Writer, usize, &str)) -> usize {
    let (mut peak, mut number) = (0, 0);
    for part in keys_in(1, count).chunks(BATCH) {
        for key in part {
            number += 1;
            ask(writer, number, key);
        }
        writer.work();
        peak = peak.max(writer.partition.status().entity_bytes);
    }
    peak
}

#[test]
fn reads_of_what_does_not_exist_keep_to_the_cache() {
    let mut writer = writer();
    let peak = peak(&mut writer, 25_000, |writer, _, key| writer.tell(read(Parcel::at(key).count())));
    assert_eq!(writer.answers.len(), 25_000);
    assert!(peak <= PEAK_BYTES_MAX, "{peak} bytes in memory");
}

#[test]
fn a_partition_keeps_to_a_quota_that_has_become_smaller() {
    let mut writer = writer();
    peak(&mut writer, 5_000, |writer, _, key| writer.tell(read(Parcel::at(key).count())));
    let cache_bytes = CACHE_BYTES / 8;
    let quota = Quota { cache_bytes, dirty_bytes_max: usize::MAX, checkpoint_log_bytes: u64::MAX };
    writer.tell(Input::Quota(quota));
    for part in keys_in(1, 3_000).chunks(100) {
        part.iter().for_each(|key| writer.tell(read(Parcel::at(key).count())));
        writer.work();
    }
    let bytes = writer.partition.status().entity_bytes;
    assert!(bytes <= 2 * cache_bytes, "{bytes} bytes in memory");
    writer.tell(Input::Quota(Quota { cache_bytes: CACHE_BYTES, ..quota }));
    let peak = peak(&mut writer, 5_000, |writer, _, key| writer.tell(read(Parcel::at(key).count())));
    assert!((2 * cache_bytes..=PEAK_BYTES_MAX).contains(&peak), "{peak} bytes in memory");
}

#[test]
fn refusals_keep_to_the_cache() {
    let mut writer = writer();
    let peak = peak(&mut writer, 12_500, |writer, _, key| writer.ask(Parcel::at(key).never(), None));
    assert!(writer.answers.iter().all(|answer| matches!(answer, Answer::Refused(_))));
    assert!(peak <= PEAK_BYTES_MAX, "{peak} bytes in memory");
}

#[test]
fn repeated_calls_keep_to_the_cache() {
    let mut writer = writer();
    for _ in 0..2 {
        let peak = peak(&mut writer, 5_000, |writer, _, key| writer.ask(Parcel::at(key).never(), Some("k")));
        assert!(peak <= 8 * CACHE_BYTES, "{peak} bytes in memory: more than what waits for the store explains");
    }
}

#[test]
fn duplicates_of_a_producer_are_known_before_anything_is_loaded() {
    let mut writer = writer();
    let send = |writer: &mut Writer, number: usize, key: &str| {
        writer.number("till", number as u64, Parcel::at(key).bump());
    };
    peak(&mut writer, 12_500, send);
    let loads = writer.loads;
    writer.answers.clear();
    let peak = peak(&mut writer, 12_500, send);
    assert!(writer.answers.iter().all(|answer| matches!(answer, Answer::Duplicate)), "all had been applied");
    assert_eq!(writer.loads, loads, "a duplicate loads nothing");
    assert!(peak <= PEAK_BYTES_MAX, "{peak} bytes in memory");
}

#[test]
fn no_record_is_longer_than_the_log_takes() {
    let tuning = Tuning { record_bytes_max: 4_000, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, ..Making::default() }).open();
    for letter in 0..200 {
        writer.ask(Letterbox::at(key_in(1)).write(key_in(2), letter), None);
    }
    writer.work();
    let records = writer.log.read(Position(1), usize::MAX).expect("they read");
    let longest = records.iter().map(|record| record.len()).max().expect("some");
    assert!((1_000..=4_000).contains(&longest) && records.len() > 5, "{longest} bytes, {} records", records.len());
    assert_eq!(writer.partition.status().outbox, 200);
}

//! Cases about reading and trimming.

use super::bench::Bench;
use super::chain::{Chain, append_ok, bytes_of, read_all};
use crate::{LogError, Position};

pub(super) fn an_empty_log_has_no_last_record(bench: &mut dyn Bench) {
    let log = bench.fresh();
    assert_eq!(log.last(), Ok(Position(0)));
    assert_eq!(log.read(Position(1), 1000), Ok(vec![]));
}

pub(super) fn records_read_back_whole_in_pages(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    let records: Vec<_> = [0, 1, 100, 5000, 70_000, 1 << 20, 3, 4096].map(|bytes| chain.record(bytes)).into();
    append_ok(bench, &mut *log, &records);
    let all = bytes_of(&records);
    assert_eq!(read_all(&*log, Position(1)), all);
    assert_eq!(log.read(Position(6), 1).as_deref(), Ok(&all[5..6]), "at least one, however large");
    assert_eq!(log.read(Position(1), 250).as_deref(), Ok(&all[..2]), "about as many bytes as asked for");
}

pub(super) fn a_read_behind_the_last_record_is_empty(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    append_ok(bench, &mut *log, &Chain::new().records(3, 10));
    assert_eq!(log.read(Position(4), 1000), Ok(vec![]));
    assert_eq!(log.read(Position(400), 1000), Ok(vec![]));
}

pub(super) fn what_is_trimmed_is_not_needed_any_more(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    let records = chain.records(10, 5000);
    append_ok(bench, &mut *log, &records);
    log.trim(Position(6));
    // Trimming the same again, or less, changes nothing.
    log.trim(Position(3));
    assert_eq!(read_all(&*log, Position(6)), bytes_of(&records[5..]));
    match log.read(Position(1), 1) {
        Ok(found) => assert_eq!(found, [records[0].1.clone()], "trimmed later or never"),
        Err(LogError::Trimmed { first, position, .. }) => {
            assert!(first <= Position(6), "trimmed up to {first}, though 6 is needed");
            assert_eq!(position, Position(1));
        }
        Err(other) => panic!("a trimmed record is not {other}"),
    }
    append_ok(bench, &mut *log, &chain.records(3, 5000));
    assert_eq!(log.last(), Ok(Position(13)));
}

pub(super) fn last_is_known_when_all_is_trimmed(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    append_ok(bench, &mut *log, &chain.records(5, 100));
    log.trim(Position(6));
    assert_eq!(log.last(), Ok(Position(5)));
    drop(log);
    let mut log = bench.crash();
    assert_eq!(log.last(), Ok(Position(5)));
    append_ok(bench, &mut *log, &chain.records(1, 100));
    assert_eq!(log.last(), Ok(Position(6)));
}

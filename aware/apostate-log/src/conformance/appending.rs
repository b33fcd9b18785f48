//! Cases about appending.

use super::bench::{Bench, Fault};
use super::chain::{Chain, append, append_ok, bytes_of, read_all, results};
use crate::{AppendResult, Position};

pub(super) fn appends_are_pipelined_and_answered_in_order(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    let records = chain.records(300, 200);
    let (front, back) = records.split_at(100);
    for (position, record) in front {
        log.append(*position, record.clone());
    }
    // More are appended while the first are under way.
    for (position, record) in back {
        log.append(*position, record.clone());
    }
    let done = results(bench, &mut *log, &records);
    assert!(done.iter().all(|result| *result == AppendResult::Ok));
    assert_eq!(log.last(), Ok(Position(300)));
    assert_eq!(read_all(&*log, Position(1)), bytes_of(&records));
}

pub(super) fn positions_are_dense(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    append_ok(bench, &mut *log, &chain.records(2, 10));
    let left_out = chain.record(10);
    let gap = chain.record(10);
    let done = append(bench, &mut *log, std::slice::from_ref(&gap));
    assert_eq!(done, [AppendResult::Full], "nothing is written over a gap");
    assert_eq!(log.last(), Ok(Position(2)));
    append_ok(bench, &mut *log, &[left_out, gap]);
    assert_eq!(log.last(), Ok(Position(4)));
}

pub(super) fn the_same_bytes_again_are_ok(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let records = Chain::new().records(3, 50);
    append_ok(bench, &mut *log, &records);
    append_ok(bench, &mut *log, &records);
    assert_eq!(log.last(), Ok(Position(3)));
    assert_eq!(read_all(&*log, Position(1)), bytes_of(&records));
}

pub(super) fn a_full_log_is_tried_again(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    if !bench.inject(Some(Fault::Full)) {
        return;
    }
    let records = Chain::new().records(4, 1000);
    let done = append(bench, &mut *log, &records);
    let durable = done.iter().take_while(|result| **result == AppendResult::Ok).count();
    assert!(durable < records.len(), "a full log does not take everything");
    for result in &done[durable..] {
        assert_eq!(*result, AppendResult::Full, "nothing is written behind a record that was not");
    }
    assert_eq!(log.last(), Ok(Position(durable as u64)));
    bench.inject(None);
    append_ok(bench, &mut *log, &records[durable..]);
    assert_eq!(read_all(&*log, Position(1)), bytes_of(&records));
}

pub(super) fn an_unknown_append_ends_when_it_is_repeated(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    if !bench.inject(Some(Fault::Unknown)) {
        return;
    }
    let records = Chain::new().records(4, 1000);
    let mut done = append(bench, &mut *log, &records);
    assert!(done.contains(&AppendResult::Unknown));
    bench.inject(None);
    while let Some(first) = done.iter().position(|result| *result != AppendResult::Ok) {
        let again = append(bench, &mut *log, &records[first..]);
        done.splice(first.., again);
    }
    assert_eq!(read_all(&*log, Position(1)), bytes_of(&records));
}

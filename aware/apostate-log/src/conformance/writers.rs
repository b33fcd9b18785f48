//! Cases about crashes, and about two writers of one log.

use bytes::Bytes;

use super::bench::Bench;
use super::chain::{Chain, append, append_ok, bytes_of, read_all};
use crate::{AppendResult, Confirmation, Log, Position};

pub(super) fn a_crash_keeps_what_was_acknowledged(bench: &mut dyn Bench) {
    let mut log = bench.fresh();
    let mut chain = Chain::new();
    let mut records = chain.records(20, 3000);
    append_ok(bench, &mut *log, &records);
    // Asked for, and never answered: may be there afterwards, or not.
    let (position, unanswered) = chain.record(100);
    log.append(position, unanswered.clone());
    drop(log);

    let mut log = bench.crash();
    let last = log.last().expect("a healthy log");
    assert!(last == Position(20) || last == Position(21), "the last record is {last}");
    if last == Position(21) {
        records.push((position, unanswered));
    }
    let found = read_all(&*log, Position(1));
    assert_eq!(found, bytes_of(&records));
    let mut chain = Chain::after(&found[found.len() - 1]);
    append_ok(bench, &mut *log, &chain.records(5, 100));
    assert_eq!(log.last(), Ok(Position(last.0 + 5)));
}

pub(super) fn other_bytes_are_answered_with_what_stands_there(bench: &mut dyn Bench) {
    let mut old = bench.fresh();
    let mut chain = Chain::new();
    append_ok(bench, &mut *old, &chain.records(2, 100));
    let mut new = bench.another();
    let stands = Chain { epoch: crate::Epoch(2), ..chain }.record(100);
    append_ok(bench, &mut *new, std::slice::from_ref(&stands));
    let late = Chain { epoch: crate::Epoch(1), next: stands.0, previous: 0 }.record(100);
    assert_ne!(late.1, stands.1);
    assert_eq!(append(bench, &mut *old, &[late]), [AppendResult::Taken(stands.1.clone())]);
    assert_eq!(read_all(&*new, stands.0), [stands.1], "what stands there stays");
}

pub(super) fn a_writer_that_lost_its_place_never_writes_again(bench: &mut dyn Bench) {
    let mut old = bench.fresh();
    let mut lost = Chain::new();
    append_ok(bench, &mut *old, &lost.records(1, 100));
    let mut new = bench.another();
    let stands = Chain { epoch: crate::Epoch(2), next: Position(2), previous: lost.previous }.record(100);
    append_ok(bench, &mut *new, std::slice::from_ref(&stands));
    // The second of these would fit behind what stands there, and was built on what does not.
    let built = lost.records(3, 100);
    for result in append(bench, &mut *old, &built) {
        assert_eq!(result, AppendResult::Taken(stands.1.clone()));
    }
    assert_eq!(new.last(), Ok(Position(2)));
    append_ok(bench, &mut *new, &Chain::after(&stands.1).records(1, 100));
    assert_eq!(new.last(), Ok(Position(3)));
}

pub(super) fn confirm_tells_the_writer_from_the_fenced(bench: &mut dyn Bench) {
    let mut old = bench.fresh();
    let mut chain = Chain::new();
    append_ok(bench, &mut *old, &chain.records(1, 100));
    old.confirm(1);
    old.confirm(2);
    assert_eq!(confirmed(bench, &mut *old, 2), [Confirmation::Yes(1), Confirmation::Yes(2)]);
    let mut new = bench.another();
    let stands: (Position, Bytes) = chain.record(100);
    append_ok(bench, &mut *new, &[stands]);
    new.confirm(3);
    assert_eq!(confirmed(bench, &mut *new, 1), [Confirmation::Yes(3)]);
    old.confirm(4);
    assert_eq!(confirmed(bench, &mut *old, 1), [Confirmation::No(4)]);
}

fn confirmed(bench: &mut dyn Bench, log: &mut dyn Log, count: usize) -> Vec<Confirmation> {
    let mut answers = Vec::new();
    loop {
        log.confirmed(&mut answers);
        if answers.len() >= count {
            return answers;
        }
        bench.wait();
    }
}

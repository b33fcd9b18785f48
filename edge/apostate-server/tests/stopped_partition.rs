//! A partition that stops says why, and leaves its neighbours running.

mod common;
#[path = "common/damage.rs"]
mod damage;

use std::path::Path;

use apostate_log::PartitionId;
use apostate_server::{CallError, PartitionStop, ProducerError, StopError, StopReason};
use common::{Stock, chain, directory, far_apart, low, open};
use damage::damage;

/// Fills two partitions with so many entities that each has blocks of its own in the store.
fn fill(data: &Path) {
    let mut node = open(data, 2);
    let client = node.client();
    let mut producer = client.producer("fill").expect("a stream");
    for number in 1..=4_000_u64 {
        producer.send(number, Stock::at(format!("key-{}", number - 1)).receive(1)).expect("sent");
    }
    producer.finish().expect("answered");
    node.stop().expect("stopped");
}

#[test]
fn a_bit_flipped_in_the_store_stops_one_partition_and_its_neighbour_goes_on() {
    let dir = directory();
    fill(dir.path());
    let (_, high) = far_apart("stock");
    let low = damage(&dir.path().join("store"), low("stock"));

    let mut node = open(dir.path(), 2);
    let client = node.client();
    let error = client.read(Stock::at(&low).available()).wait().unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "it was handed over: {error:?}");
    assert!(chain(&error).contains("damaged"), "{error}");
    let error = client.call(Stock::at(&low).receive(1)).wait().unwrap_err();
    assert!(matches!(error, CallError::Stopped { .. }), "it was not even handed over: {error:?}");

    assert_eq!(client.call(Stock::at(&high).receive(1)).wait(), Ok(2), "the neighbour is well");
    let status = node.status();
    let stopped: Vec<_> = status.stopped().collect();
    let is_damaged = |stop: &PartitionStop| matches!(stop, PartitionStop::Stopped(reason) if matches!(**reason, StopReason::Damaged(_)));
    assert!(matches!(stopped[..], [(PartitionId(1), stop)] if is_damaged(stop)), "{stopped:?}");

    let mut producer = client.producer("more").expect("a stream");
    let broken = producer.send(1, Stock::at(&low).receive(1)).and_then(|()| producer.finish());
    assert!(matches!(broken, Err(ProducerError::Broken { lowest_unanswered: 1, .. })), "{broken:?}");
    assert!(matches!(client.settle(), Err(CallError::Stopped { .. })));
    assert!(client.list::<Stock>().any(|listed| listed.is_err()), "a list does not leave a part out in silence");

    let error = node.stop().unwrap_err();
    assert!(matches!(error, StopError::Stopped { partition: PartitionId(1), .. }), "{error}");
    let node = open(dir.path(), 2);
    assert_eq!(node.client().read(Stock::at(&high).available()).wait(), Ok(2), "kept over the stop");
}

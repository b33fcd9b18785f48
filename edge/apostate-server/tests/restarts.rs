//! Restarts: the data after a clean stop, and after an end without one.

mod common;

use common::{Stock, directory, open};

#[test]
fn a_graceful_stop_and_a_new_start_keep_everything() {
    let dir = directory();
    for round in 1..=3 {
        let mut node = open(dir.path(), 2);
        for product in 0..20 {
            assert_eq!(node.client().call(Stock::at(product).receive(1)).wait(), Ok(round));
        }
        node.stop().expect("stopped");
        node.stop().expect("a second stop is harmless");
        let late = node.client().call(Stock::at(1).receive(1)).wait();
        assert_eq!(late, Err(apostate_server::CallError::Closed));
    }
}

#[test]
fn a_node_that_is_dropped_keeps_what_was_acknowledged() {
    let dir = directory();
    for round in 1..=3 {
        let node = open(dir.path(), 2);
        for product in 0..20 {
            assert_eq!(node.client().call(Stock::at(product).receive(1)).wait(), Ok(round));
        }
        drop(node);
    }
}

#[test]
fn a_message_that_was_on_its_way_at_the_end_arrives_after_the_next_start() {
    let dir = directory();
    let node = open(dir.path(), 2);
    node.client().call(Stock::at("source").receive(1000)).wait().expect("done");
    for target in 0..100 {
        node.client().call(Stock::at("source").pass(format!("target-{target}"), 10)).wait().expect("done");
    }
    drop(node);
    let node = open(dir.path(), 2);
    let client = node.client();
    client.settle().expect("quiet");
    for target in 0..100 {
        assert_eq!(client.read(Stock::at(format!("target-{target}")).available()).wait(), Ok(10));
    }
}

#[test]
fn a_client_outlives_its_node_and_does_not_hold_its_files() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let client = node.client();
    client.call(Stock::at("tea").receive(1)).wait().expect("done");
    let mut list = client.list::<Stock>();
    drop(node);
    assert!(client.settle().is_err());
    assert!(list.all(|listed| listed.is_ok() || listed == Err(apostate_server::CallError::Closed)));
    let again = open(dir.path(), 1);
    assert_eq!(again.client().read(Stock::at("tea").available()).wait(), Ok(1));
}

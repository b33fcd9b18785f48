//! Numbered producers: each message once, whatever is sent again.

mod common;

use apostate_api::NUMBER_MAX;
use apostate_partition::Failure;
use apostate_server::{Client, ProducerAnswer, ProducerError, ProducerSummary};
use common::{Ghost, Stock, directory, far_apart, open};

fn produce(client: &Client, numbers: impl Iterator<Item = u64>) -> ProducerSummary {
    let mut producer = client.producer("replay").expect("a stream");
    for number in numbers {
        producer.send(number, Stock::at(number % 100).receive(1)).expect("sent");
    }
    producer.finish().expect("answered")
}

fn received(client: &Client) -> u32 {
    client.list::<Stock>().map(|listed| listed.expect("listed").entity.received).sum()
}

#[test]
fn a_message_sent_again_is_a_duplicate_also_after_restarts() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let summary = produce(&node.client(), 1..=10_000);
    assert_eq!(summary, ProducerSummary { done: 10_000, ..ProducerSummary::default() });
    assert_eq!(received(&node.client()), 10_000);
    drop(node);
    let mut node = open(dir.path(), 2);
    let summary = produce(&node.client(), 1..=12_000);
    assert_eq!((summary.duplicates, summary.done + summary.accepted), (10_000, 2_000));
    node.stop().expect("stopped");
    let node = open(dir.path(), 2);
    let summary = produce(&node.client(), 5_000..=12_000);
    assert_eq!(summary.duplicates, 7_001, "also from the checkpoint");
    assert_eq!(received(&node.client()), 12_000);
}

#[test]
fn every_message_has_its_result() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let mut producer = node.client().producer("orders").expect("a stream");
    producer.window(100);
    let mut results = Vec::new();
    for number in 1..=1_000 {
        producer.send(number, Stock::at(number).take(1)).expect("sent");
        results.extend(producer.results());
        assert!(producer.unanswered() <= 100);
    }
    while producer.unanswered() > 0 {
        results.extend(producer.wait_results().expect("results"));
    }
    assert_eq!(producer.lowest_unanswered(), 1_001);
    results.sort_by_key(|(number, _)| *number);
    assert!(results.iter().map(|(number, _)| *number).eq(1..=1_000));
    assert!(results.iter().all(|(_, result)| matches!(result, ProducerAnswer::Refused(_))));
}

#[test]
fn numbers_ascend_and_a_name_has_one_stream() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let client = node.client();
    let mut producer = client.producer("orders").expect("a stream");
    assert!(matches!(client.producer("orders"), Err(ProducerError::InUse { .. })));
    assert!(client.producer("other").is_ok());
    producer.send(7, Stock::at("tea").receive(1)).expect("sent");
    for number in [0, 6, 7, NUMBER_MAX + 1, u64::MAX] {
        let error = producer.send(number, Stock::at("tea").receive(1)).unwrap_err();
        assert_eq!(error, ProducerError::NotAscending { number, highest: 7 });
    }
    assert!(matches!(producer.send(8, Stock::at("").receive(1)), Err(ProducerError::Key(_))));
    producer.send(8, Stock::at("tea").receive(1)).expect("the number was not used up");
    assert_eq!(producer.finish().expect("answered").done, 2);
    assert!(client.producer("orders").is_ok(), "a finished stream makes room for the next");
}

#[test]
fn the_highest_number_is_the_last() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let mut producer = node.client().producer("orders").expect("a stream");
    producer.send(NUMBER_MAX, Stock::at("tea").receive(1)).expect("sent");
    assert!(producer.send(NUMBER_MAX + 1, Stock::at("tea").receive(1)).is_err());
    assert_eq!(producer.wait_all().expect("answered").done, 1);
    assert_eq!(producer.lowest_unanswered(), NUMBER_MAX + 1);
}

#[test]
fn a_number_that_its_producer_left_out_is_left_out_where_a_higher_one_was_taken() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    let (low, high) = far_apart("stock");
    let send = |number, key: &String| {
        let mut producer = client.producer("orders").expect("a stream");
        producer.send(number, Stock::at(key).receive(1)).expect("sent");
        producer.finish().expect("answered")
    };
    assert_eq!(send(5, &low).duplicates, 0);
    assert_eq!(send(3, &low).duplicates, 1, "its partition has taken 5");
    assert_eq!(send(4, &high).duplicates, 0, "the other partition has not");
    assert_eq!(received(&client), 2);
}

#[test]
fn a_stream_breaks_with_its_node_and_says_where_to_go_on() {
    let dir = directory();
    let mut node = open(dir.path(), 2);
    let mut producer = node.client().producer("orders").expect("a stream");
    producer.send(1, Stock::at("tea").receive(1)).expect("sent");
    producer.wait_all().expect("answered");
    node.stop().expect("stopped");
    let broken = producer.send(2, Stock::at("tea").receive(1)).and_then(|()| producer.wait_all().map(|_| ()));
    assert!(matches!(broken, Err(ProducerError::Broken { lowest_unanswered: 2, .. })), "{broken:?}");
    assert!(producer.finish().is_err(), "and stays broken");
}

/// What a stream computes does not depend on the number of partitions: a message that cannot be taken uses no number up.
#[test]
fn a_message_that_cannot_be_taken_is_not_sent_and_its_number_is_free() {
    for partitions in [1, 2, 7] {
        let dir = directory();
        let node = open(dir.path(), partitions);
        let client = node.client();
        let mut producer = client.producer("orders").expect("a stream");
        producer.send(1, Stock::at("one").receive(1)).expect("sent");
        let unfit = producer.send(2, Ghost::at("two").boo()).unwrap_err();
        assert_eq!(unfit, ProducerError::Unfit { number: 2, failure: Failure::UnknownKind });
        producer.send(2, Stock::at("two").receive(1)).expect("the number was not used up");
        producer.send(3, Stock::at("one").receive(1)).expect("sent");
        let summary = producer.finish().expect("answered");
        assert_eq!((summary.done + summary.accepted, summary.duplicates), (3, 0), "{partitions} partitions");
        assert_eq!(received(&client), 3);
    }
}

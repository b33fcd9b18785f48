//! Calls, looks and sends: what a client is answered.

mod common;

use apostate_server::CallError;
use common::{Ghost, Stock, directory, open};

#[test]
fn a_call_changes_and_a_read_sees_it() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    assert_eq!(client.call(Stock::at("tea").receive(5)).wait(), Ok(5));
    assert_eq!(client.call(Stock::at("tea").take(2)).wait(), Ok(3));
    assert_eq!(client.send(Stock::at("tea").receive(1)).wait(), Ok(()));
    assert_eq!(client.read(Stock::at("tea").available()).wait(), Ok(4));
    assert_eq!(
        client.read(Stock::at("BANK CHARGES").available()).wait().unwrap_err().to_string(),
        "stock/BANK CHARGES does not exist; the first call that changes it creates it"
    );
    assert_eq!(client.call(Stock::at("a/b").receive(1)).wait(), Ok(1));
}

#[test]
fn many_requests_can_be_on_their_way_at_once() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    let calls: Vec<_> = (0..500).map(|call| client.call(Stock::at(call % 50).receive(1)).start()).collect();
    let levels: u32 = calls.into_iter().map(|call| call.wait().expect("done")).sum();
    assert_eq!(levels, 50 * (1..=10).sum::<u32>(), "each stock counted to ten");
}

#[test]
fn a_refusal_is_data_and_changes_nothing() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let client = node.client();
    client.call(Stock::at("tea").receive(1)).wait().expect("done");
    let error = client.call(Stock::at("tea").take(9)).wait().unwrap_err();
    assert_eq!(error.refusal().expect("a refusal").code, "out-of-stock");
    assert_eq!(error.to_string(), "refused: only 1 left (out-of-stock)");
    assert_eq!(client.read(Stock::at("tea").available()).wait(), Ok(1));
    assert!(matches!(client.call(Stock::at("milk").take(1)).wait(), Err(CallError::Refused(_))));
    let look = client.read(Stock::at("milk").available()).wait();
    assert!(matches!(look, Err(CallError::Missing { .. })), "a refusal creates nothing: {look:?}");
}

#[test]
fn a_message_for_nobody_or_for_a_stranger_is_told_so() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let client = node.client();
    assert!(matches!(client.call(Stock::at("").receive(1)).wait(), Err(CallError::Key(_))));
    let error = client.call(Ghost::at("tea").boo()).wait().unwrap_err();
    assert!(common::chain(&error).ends_with("there is no such kind of entity"), "{error:?}");
}

#[test]
fn an_answer_can_be_awaited_by_a_task() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    let mut call = std::pin::pin!(client.call(Stock::at("tea").receive(5)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let reply = loop {
        if let std::task::Poll::Ready(reply) = call.as_mut().poll(&mut context) {
            break reply;
        }
        std::thread::yield_now();
    };
    assert_eq!(reply, Ok(5));
}

#[test]
fn messages_between_entities_arrive_and_then_all_is_quiet() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    client.call(Stock::at("source").receive(1000)).wait().expect("done");
    for target in 0..100 {
        client.call(Stock::at("source").pass(format!("target-{target}"), 10)).wait().expect("done");
    }
    client.settle().expect("quiet");
    assert_eq!(client.read(Stock::at("source").available()).wait(), Ok(0));
    for target in 0..100 {
        assert_eq!(client.read(Stock::at(format!("target-{target}")).available()).wait(), Ok(10));
    }
}

#[test]
fn clients_go_to_any_thread_and_answers_come_back_to_any() {
    fn check<T: Send + Sync + Clone>(_: &T) {}
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    check(&client);
    let threads: Vec<_> = (0..8_u32)
        .map(|thread| {
            let client = client.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    client.call(Stock::at(thread % 2).receive(1)).wait().expect("done");
                }
                client.read(Stock::at(thread % 2).available()).start()
            })
        })
        .collect();
    for thread in threads {
        assert!(thread.join().expect("no panic").wait().expect("seen") >= 50);
    }
    assert_eq!(client.read(Stock::at(0).available()).wait(), Ok(200));
}

//! Client keys: the same key is the same request, whatever happens in between.

mod common;

use apostate_server::CallError;
use common::{Stock, chain, directory, open};

#[test]
fn the_same_key_gets_the_same_reply_also_after_a_restart() {
    let dir = directory();
    for _ in 0..3 {
        let node = open(dir.path(), 2);
        let client = node.client();
        for _ in 0..2 {
            assert_eq!(client.call(Stock::at("tea").receive(5)).with_key("one").wait(), Ok(5));
        }
        assert_eq!(client.read(Stock::at("tea").available()).wait(), Ok(5));
    }
    let mut node = open(dir.path(), 2);
    node.stop().expect("stopped");
    let node = open(dir.path(), 2);
    assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("one").wait(), Ok(5), "also from the store");
    assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("two").wait(), Ok(10));
}

#[test]
fn a_refusal_is_remembered_too() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let refused = node.client().call(Stock::at("tea").take(5)).with_key("one").wait();
    assert!(matches!(refused, Err(CallError::Refused(_))));
    node.client().call(Stock::at("tea").receive(5)).wait().expect("done");
    drop(node);
    let node = open(dir.path(), 1);
    assert_eq!(node.client().call(Stock::at("tea").take(5)).with_key("one").wait(), refused);
    assert_eq!(node.client().call(Stock::at("tea").take(5)).with_key("two").wait(), Ok(0));
}

#[test]
fn another_request_with_the_same_key_is_refused_as_such() {
    let dir = directory();
    for _ in 0..2 {
        let node = open(dir.path(), 1);
        assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("one").wait(), Ok(5));
        let other = node.client().call(Stock::at("tea").receive(6)).with_key("one").wait().unwrap_err();
        assert!(chain(&other).ends_with("the client key was used for another request"), "{other}");
    }
}

#[test]
fn a_repetition_while_the_first_is_on_its_way_gets_its_reply() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let client = node.client();
    let both: Vec<_> = (0..2).map(|_| client.call(Stock::at("tea").receive(5)).with_key("one").start()).collect();
    for call in both {
        assert_eq!(call.wait(), Ok(5));
    }
    assert_eq!(client.read(Stock::at("tea").available()).wait(), Ok(5));
}

#[test]
fn a_key_in_the_store_is_not_hidden_by_what_the_log_brings() {
    let dir = directory();
    let mut node = open(dir.path(), 1);
    assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("one").wait(), Ok(5));
    node.stop().expect("stopped: the key is in the store, and nothing in the log");
    let node = open(dir.path(), 1);
    assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("two").wait(), Ok(10));
    drop(node);
    let node = open(dir.path(), 1);
    assert_eq!(node.client().call(Stock::at("tea").receive(5)).with_key("one").wait(), Ok(5), "the first reply again");
    assert_eq!(node.client().read(Stock::at("tea").available()).wait(), Ok(10));
}

#[test]
fn an_entity_may_have_more_keys_than_a_load_brings() {
    let dir = directory();
    let key = |number: u32| format!("{number:0>200}");
    let mut node = open(dir.path(), 1);
    let client = node.client();
    let calls: Vec<_> = (1..=800).map(|n| client.call(Stock::at("tea").receive(1)).with_key(&key(n)).start()).collect();
    calls.into_iter().zip(1..).for_each(|(call, level)| assert_eq!(call.wait(), Ok(level)));
    node.stop().expect("stopped: every key is in the store");
    let node = open(dir.path(), 1);
    for level in [1, 400, 799, 800] {
        assert_eq!(node.client().call(Stock::at("tea").receive(1)).with_key(&key(level)).wait(), Ok(level), "{level}");
    }
    assert_eq!(node.client().read(Stock::at("tea").available()).wait(), Ok(800));
}

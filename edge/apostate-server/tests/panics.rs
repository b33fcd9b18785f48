//! Handlers that panic: answered, and nothing changed.

mod common;

use common::{Stock, chain, directory, open};

#[test]
fn a_handler_that_panics_changes_nothing_and_disturbs_nobody() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    assert_eq!(client.call(Stock::at("tea").fumble(1)).wait(), Ok(1));
    let around: Vec<_> = (0..100).map(|call| client.call(Stock::at(call % 10).receive(1)).start()).collect();
    let error = client.call(Stock::at("tea").fumble(13)).wait().unwrap_err();
    assert_eq!(chain(&error), "call to stock/tea failed, nothing was done: the handler panicked: unlucky number");
    assert!(around.into_iter().all(|call| call.wait().is_ok()));
    assert_eq!(client.call(Stock::at("tea").receive(1)).wait(), Ok(2));
    assert!(node.status().stopped().next().is_none());
}

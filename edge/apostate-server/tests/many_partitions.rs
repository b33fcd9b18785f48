//! A node with the most partitions that data may begin with opens, works, is listed, moves them, and opens again.

mod common;

use apostate_log::PartitionId;
use apostate_server::{Node, PARTITIONS_MAX, Settings};
use common::{App, Stock, directory};

const ITEMS: u32 = 60;

#[test]
fn a_node_with_the_most_partitions_works() {
    let dir = directory();
    let settings = Settings { partitions: Some(PARTITIONS_MAX), threads: Some(3), ..Settings::new(dir.path()) };
    let mut node = Node::open::<App>(settings.clone()).expect("a node");
    let client = node.client();
    for item in 0..ITEMS {
        assert_eq!(client.call(Stock::at(item).receive(2)).wait(), Ok(2));
        client.call(Stock::at(item).pass(format!("other-{item}"), 1)).wait().expect("done");
    }
    for id in (1..=u64::from(PARTITIONS_MAX)).step_by(97) {
        assert_eq!(node.move_partition(PartitionId(id), 2), Ok(()));
    }
    client.settle().expect("settled");
    let count = |node: &Node| {
        let listed = node.client().list::<Stock>().map(|listed| listed.expect("listed").entity.on_hand);
        listed.collect::<Vec<_>>()
    };
    assert_eq!(count(&node), vec![1; 2 * ITEMS as usize]);
    assert_eq!(node.status().partitions.len(), PARTITIONS_MAX as usize);
    node.stop().expect("stopped");
    let node = Node::open::<App>(settings).expect("a node");
    assert_eq!(read_all(&node), 2 * ITEMS);
}

/// What all stocks have together.
fn read_all(node: &Node) -> u32 {
    let client = node.client();
    let keys = (0..ITEMS).flat_map(|item| [item.to_string(), format!("other-{item}")]);
    keys.map(|key| client.read(Stock::at(key).available()).wait().expect("it is there")).sum()
}

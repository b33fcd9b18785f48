//! Listing a kind.

mod common;

use apostate::prelude::*;
use apostate_server::{CallError, Node, Settings};
use common::{Stock, directory, open};

#[test]
fn a_list_holds_every_entity_once_in_ring_order_whatever_the_partitions() {
    let mut keys = Vec::new();
    for partitions in [1, 2, 7] {
        let dir = directory();
        let node = open(dir.path(), partitions);
        let client = node.client();
        let mut producer = client.producer("load").expect("a stream");
        for number in 1..=9_000_u64 {
            // Longer keys fill more than one page.
            producer.send(number, Stock::at(format!("{number:0100}")).receive(1)).expect("sent");
        }
        producer.finish().expect("answered");
        client.call(Stock::at(format!("{:0100}", 5)).close()).wait().expect("deleted");
        let listed: Vec<_> = client.list::<Stock>().map(|listed| listed.expect("listed")).collect();
        assert_eq!(listed.len(), 8_999);
        assert!(listed.iter().all(|listed| listed.entity == Stock { on_hand: 1, received: 1 } && listed.version == 1));
        keys.push(listed.into_iter().map(|listed| listed.key).collect::<Vec<_>>());
    }
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "the same order for any number of partitions");
}

#[test]
fn a_list_shows_what_was_acknowledged_before_it() {
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    for level in 1..=5 {
        client.call(Stock::at("tea").receive(1)).wait().expect("done");
        let listed: Vec<_> = client.list::<Stock>().map(|listed| listed.expect("listed")).collect();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].key.as_str(), listed[0].version), ("tea", level));
    }
}

/// A stock as another build has it: its level is a text now, and nobody wrote a migration.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
struct Renamed {
    on_hand: String,
}

#[handlers]
impl Renamed {
    #[open]
    pub fn describe(&mut self, text: String) {
        self.on_hand = text;
    }
}

#[test]
fn a_state_that_does_not_read_hides_no_other() {
    let dir = directory();
    let mut node = open(dir.path(), 2);
    for key in ["a", "b", "c"] {
        node.client().call(Stock::at(key).receive(1)).wait().expect("done");
    }
    node.stop().expect("a clean stop");
    drop(node);
    let node = Node::open::<(Renamed,)>(Settings { partitions: Some(2), ..Settings::new(dir.path()) }).expect("a node");
    for key in ["d", "e"] {
        node.client().call(Renamed::at(key).describe("few".to_owned())).wait().expect("done");
    }
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for listed in node.client().list::<Renamed>() {
        match listed {
            Ok(listed) => found.push(listed.key.to_string()),
            Err(CallError::Unreadable { entity, .. }) => unreadable.push(entity),
            Err(error) => panic!("{error}"),
        }
    }
    found.sort();
    unreadable.sort();
    assert_eq!(
        (found, unreadable),
        (["d", "e"].map(str::to_owned).to_vec(), ["stock/a", "stock/b", "stock/c"].map(str::to_owned).to_vec())
    );
}

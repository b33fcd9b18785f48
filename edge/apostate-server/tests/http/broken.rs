//! What is broken is named, and everything else goes on.

use std::collections::BTreeMap;
use std::path::Path;

use apostate::prelude::*;
use apostate_server::{Node, Serving, Settings};

use crate::damage::damage;
use crate::support::{App, Client, settings};

/// What another build takes a `slow` for: its number is a text now, and nobody wrote a migration.
#[entity(name = "slow")]
#[derive(Default, Serialize, Deserialize)]
pub struct Renamed {
    done: String,
}

#[handlers]
impl Renamed {
    /// Replies with what JSON cannot say: its keys are texts.
    #[open]
    pub fn puzzle(&mut self) -> BTreeMap<Vec<u8>, u8> {
        self.done.push('x');
        BTreeMap::from([(vec![1, 2], 3)])
    }
}

/// What a third build takes it for: the way from the old version has a bug.
#[entity(name = "slow", version = 1, migrate = fall)]
#[derive(Default, Serialize, Deserialize)]
pub struct Fallen {
    fallen: bool,
}

#[handlers]
impl Fallen {
    #[open]
    pub fn rise(&mut self) {
        self.fallen = false;
    }
}

fn fall(_: u32, _: &[u8]) -> Result<Fallen, StateError> {
    panic!("it fell on its way")
}

fn start<E: apostate_core::Entities>(data: &Path) -> (Node, Serving, Client) {
    let settings_of_node = Settings { partitions: Some(2), segment_bytes: 1 << 20, ..Settings::new(data) };
    let node = Node::open::<E>(settings_of_node).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let client = Client::connect(serving.local_addr());
    (node, serving, client)
}

fn key_of(number: usize) -> String {
    format!("key-{number}")
}

/// Keys by their places on the ring.
fn keys(is_there: impl Fn(u64) -> bool) -> impl Iterator<Item = String> {
    let hash = |key: &String| {
        let key = EntityKey::new(key).expect("a key");
        apostate_core::ring_hash(apostate_core::KindId::of("stock"), &key)
    };
    (0..4000).map(key_of).filter(move |key| is_there(hash(key)))
}

#[test]
fn a_damaged_store_stops_its_partition_and_its_neighbour_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let line = |number: usize, key: &str| {
        format!(
            "{{\"number\":{number},\"entity\":\"stock/{key}\",\"handler\":\"receive\",\"arguments\":{{\"units\":1}}}}\n"
        )
    };
    {
        let (mut node, serving, mut client) = start::<App>(dir.path());
        let body: String = (1..=4000).map(|number| line(number, &key_of(number - 1))).collect();
        let answer = client.ask("POST", "/messages", &[("producer", "fill")], &body);
        assert_eq!(answer.lines().len(), 4000);
        serving.stop();
        node.stop().expect("stopped");
    }
    // Two partitions have them between them.
    let high = keys(|hash| hash > 3 << 62).next().expect("there are many");
    let low = damage(&dir.path().join("store"), keys(|hash| hash < 1 << 62));

    let (_node, _serving, mut client) = start::<App>(dir.path());
    let accept = [("accept", "application/x-ndjson")];
    let listed = client.ask("GET", "/entities/stock", &accept, "").lines();
    assert_eq!(listed.last().expect("a line")["code"], "store-unreadable", "a list leaves nothing out in silence");
    client.get(&format!("/entities/stock/{low}")).problem("partition-stopped");
    client.post(&format!("/entities/stock/{low}/receive"), r#"{"units":1}"#).problem("partition-stopped");
    client.get("/ready").problem("partition-stopped");
    let broken = client.ask("POST", "/messages", &[("producer", "more")], &line(1, &low)).lines();
    assert_eq!((broken.len(), &broken[0]["code"], &broken[0]["resume_from"]), (1, &"stream-broken".into(), &1.into()));
    assert_eq!(client.post(&format!("/entities/stock/{high}/receive"), r#"{"units":1}"#).good(), 2);
    let node = client.get("/partitions").good();
    assert!(node["partitions"][0]["stopped"].as_str().is_some_and(|reason| reason.contains("damaged")), "{node}");
}

#[test]
fn a_state_of_another_build_and_a_reply_that_json_cannot_say_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    {
        let (mut node, serving, mut client) = start::<App>(dir.path());
        assert_eq!(client.post("/entities/slow/a/tick", "").good(), 1);
        serving.stop();
        node.stop().expect("stopped");
    }
    let (_node, _serving, mut client) = start::<(Renamed,)>(dir.path());
    client.get("/entities/slow/a").problem("unreadable-state");
    client.post("/entities/slow/a/puzzle", "").problem("unreadable-state");
    for key in ["b", "c", "d", "e", "f"] {
        let problem = client.post(&format!("/entities/slow/{key}/puzzle"), "").problem("unreadable-reply");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.starts_with(&format!("slow/{key} did it")), "{problem}");
    }
    // What cannot be read hides nothing that can, and says so in its place.
    let page = client.get("/entities/slow").good();
    let lines = client.ask("GET", "/entities/slow", &[("accept", "application/x-ndjson")], "").lines();
    assert_eq!(page["items"].as_array(), Some(&lines));
    let mut found: Vec<_> = lines.iter().map(|item| (item["key"].as_str(), item["problem"]["code"].as_str())).collect();
    found.sort();
    let readable = ["b", "c", "d", "e", "f"].map(|key| (Some(key), None));
    assert_eq!(found, [&[(Some("a"), Some("unreadable-state"))][..], &readable].concat());
    assert!(lines.iter().all(|item| item["state"].is_null() != item["problem"].is_null()));
}

#[test]
fn a_migration_that_panics_is_an_unreadable_state_however_it_is_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    {
        let (mut node, serving, mut client) = start::<App>(dir.path());
        assert_eq!(client.post("/entities/slow/a/tick", "").good(), 1);
        serving.stop();
        node.stop().expect("stopped");
    }
    let (_node, _serving, mut client) = start::<(Fallen,)>(dir.path());
    client.post("/entities/slow/a/rise", "").problem("unreadable-state");
    let problem = client.get("/entities/slow/a").problem("unreadable-state");
    assert!(problem["detail"].as_str().expect("text").contains("it fell on its way"), "{problem}");
    assert_eq!(client.get("/entities/slow").good()["items"][0]["problem"]["code"], "unreadable-state");
}

//! A build that lacks kinds of the data says so, and is not ready: what it does not list is not lost.

use apostate_server::{Node, Settings};

use crate::support::{App, Client, Stock, settings};

#[test]
fn a_build_that_lacks_kinds_of_the_data_is_not_ready_and_names_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = || Settings { partitions: Some(1), ..Settings::new(dir.path().join("data")) };
    drop(Node::open::<App>(data()).expect("a node"));
    let node = Node::open::<(Stock,)>(data()).expect("a node all the same");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    let ready = client.get("/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("\"not-ready\"") && ready.text().contains("lacks: slow;"), "{}", ready.text());
    let missing = client.get("/partitions").good()["missing_kinds"].clone();
    assert!(missing.as_array().expect("kinds").contains(&"slow".into()), "{missing}");
    let count = format!("apostate_kinds_missing {}", missing.as_array().expect("kinds").len());
    assert!(client.get("/metrics").text().lines().any(|line| line == count), "{count}");
    assert_eq!(client.post("/entities/stock/tea/receive", r#"{"units":5}"#).status, 200, "what it has is served");
    drop((client, serving, node));
    let node = Node::open::<App>(data()).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    assert_eq!(Client::connect(serving.local_addr()).get("/ready").good()["status"], "ready");
}

//! Stopping: what is under way is answered, and nothing new is taken.

use std::thread;
use std::time::Duration;

use apostate_server::{CallError, HttpSettings, Node, Settings, StopError};

use crate::support::{App, Client, Gate, Server, Stock, request, settings, wait_until};

#[test]
fn answers_that_are_under_way_leave_before_the_end() {
    let mut server = Server::start();
    let mut idle = server.client();
    assert_eq!(idle.get("/ready").good()["status"], "ready");
    let mut client = server.client();
    client.send(request("POST", "/entities/slow/a/pass", &[], r#"{"gate":"stopping"}"#));
    wait_until("it is under way", || Gate::is_waited_for("stopping"));
    let serving = server.serving.take().expect("it listens");
    let address = serving.local_addr();
    let stopping = thread::spawn(move || serving.stop());
    assert!(idle.is_closed(), "an idle connection is closed at once");
    Gate::open("stopping");
    let answer = client.response();
    assert_eq!(answer.good(), 1);
    assert!(client.is_closed());
    stopping.join().expect("no panic");
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
    server.node.stop().expect("it stops");
}

#[test]
fn a_node_that_is_closed_behind_its_edge_says_that_it_is_not_ready() {
    let mut server = Server::start();
    let mut client = server.client();
    server.node.stop().expect("it stops");
    client.get("/ready").problem("not-ready");
    client.post("/entities/stock/tea/receive", r#"{"units":1}"#).problem("not-ready");
    let mut client = server.client();
    client.get("/entities/stock").problem("not-ready");
    client.ask("POST", "/messages", &[("producer", "one")], "").problem("not-ready");
    assert_eq!(server.client().get("/health").good()["status"], "alive");
}

#[test]
fn a_handler_that_does_not_end_holds_up_its_partition_and_neither_operators_nor_a_stop() {
    let dir = tempfile::tempdir().expect("a directory");
    let node_settings = Settings {
        partitions: Some(2),
        threads: Some(2),
        stop_patience: Duration::from_millis(100),
        ..Settings::new(dir.path().join("data"))
    };
    let mut node = Node::open::<App>(node_settings.clone()).expect("a node");
    let serving = node.serve(HttpSettings { stop_patience: Duration::ZERO, ..settings() }).expect("it listens");
    let mut stuck = Client::connect(serving.local_addr());
    stuck.send(request("POST", "/entities/slow/a/pass", &[], r#"{"gate":"endless"}"#));
    wait_until("it is under way", || Gate::is_waited_for("endless"));

    let mut client = Client::connect(serving.local_addr());
    let problem = client.get("/ready");
    problem.problem("not-ready");
    assert!(problem.text().contains("a handler runs for long"), "{}", problem.text());
    let node_says = client.get("/partitions").good();
    let partitions = node_says["partitions"].as_array().expect("partitions");
    let silent: Vec<_> = partitions.iter().map(|partition| partition["is_silent"].as_bool().expect("a flag")).collect();
    assert!(silent.len() == 2 && silent.iter().filter(|is_silent| **is_silent).count() == 1, "{node_says}");
    let index = silent.iter().position(|is_silent| *is_silent).expect("one is");
    assert!(partitions[0]["first"] == "0".repeat(16).as_str(), "they are in the order of the ring");
    let id = &partitions[index]["id"];
    let metrics = client.get("/metrics");
    let down = format!("apostate_partition_up{{partition=\"{id}\"}} 0");
    assert!(metrics.text().contains(&down), "{}", metrics.text());

    // A list waits for all partitions. It does not wait for one that does not listen, nor beyond its deadline.
    for path in ["/parked", "/entities/stock"] {
        let problem = client.get(path);
        problem.problem("not-ready");
        assert!(problem.text().contains("a handler runs for long"), "{}", problem.text());
        client.ask("GET", path, &[("deadline-ms", "20")], "").problem("deadline-exceeded");
        client.ask("GET", path, &[("deadline-ms", "soon")], "").problem("bad-header");
    }

    // Whoever lists in the process waits for it, and not beyond the node's end.
    let (parked, listed) = (node.client(), node.client());
    let parked = thread::spawn(move || parked.parked().next());
    let listed = thread::spawn(move || listed.list::<Stock>().next());
    serving.stop();
    let error = node.stop().expect_err("it does not end");
    wait_until("whoever lists hears of the end", || parked.is_finished() && listed.is_finished());
    assert!(matches!(parked.join().expect("no panic"), Some(Err(CallError::Closed))));
    assert!(matches!(listed.join().expect("no panic"), Some(Err(CallError::Closed))));
    let StopError::Endless { partition } = error else { panic!("{error}") };
    assert_eq!(partition.0, id.as_u64().expect("a number"));
    // As long as it may still write, nobody else gets the data.
    assert!(Node::open::<App>(node_settings).is_err());
    Gate::open("endless");
}

#[test]
fn a_stop_does_not_wait_for_what_was_half_sent() {
    let hour = Duration::from_secs(3600);
    let patient = HttpSettings { stop_patience: hour, header_timeout: hour, body_timeout: hour, ..settings() };
    let mut server = Server::with(1, patient);
    let mut head = server.client();
    head.send(b"POST /entities/stock/tea/receive HTTP/1.1\r\nhost: loc");
    let mut body = server.client();
    body.send(b"POST /entities/stock/tea/receive HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\n{\"uni");
    // Both have been read when the one behind them has been answered.
    assert_eq!(server.client().get("/ready").good()["status"], "ready");
    let connections = || server.serving.as_ref().expect("it listens").connections();
    wait_until("both are there", || connections() >= 2);
    server.serving.take().expect("it listens").stop();
    body.response().problem("not-ready");
    assert!(head.is_closed());
    server.node.stop().expect("it stops");
}

//! Stopping: what is under way is answered, and nothing new is taken.

use std::thread;
use std::time::Duration;

use apostate_server::HttpSettings;

use crate::support::{Gate, Server, request, settings, wait_until};

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

//! Deadlines: what nobody waits for any more is not begun.

use apostate_server::HttpSettings;

use crate::support::{Gate, Server, request, settings, wait_until};

/// A node with one partition, whose thread waits at the gate.
fn held(gate: &str) -> (Server, crate::support::Client) {
    let server = Server::with(1, HttpSettings { ..settings() });
    let mut holder = server.client();
    holder.send(request("POST", "/entities/slow/holder/pass", &[], &format!(r#"{{"gate":"{gate}"}}"#)));
    wait_until("the partition's thread waits", || Gate::is_waited_for(gate));
    (server, holder)
}

#[test]
fn a_request_that_was_not_begun_by_its_deadline_is_not_begun_at_all() {
    let (server, mut holder) = held("deadline");
    let mut client = server.client();
    let wait = [("deadline-ms", "30")];
    client.ask("POST", "/entities/slow/other/tick", &wait, "").problem("deadline-exceeded");
    client.ask("POST", "/entities/slow/other/tick", &[("prefer", "wait=0")], "").problem("deadline-exceeded");
    client.ask("GET", "/entities/slow/holder/done", &wait, "").problem("deadline-exceeded");
    Gate::open("deadline");
    assert_eq!(holder.response().good(), 1);
    client.get("/entities/slow/other").problem("entity-missing");
    assert_eq!(client.ask("POST", "/entities/slow/other/tick", &[("deadline-ms", "60000")], "").good(), 1);
}

#[test]
fn a_request_that_was_begun_has_an_unknown_outcome_at_its_deadline() {
    let server = Server::with(1, settings());
    let mut client = server.client();
    let headers = [("deadline-ms", "300"), ("idempotency-key", "one")];
    let body = r#"{"gate":"begun"}"#;
    client.ask("POST", "/entities/slow/begun/pass", &headers, body).problem("outcome-unknown");
    Gate::open("begun");
    // The same key tells what became of it.
    let again = client.ask("POST", "/entities/slow/begun/pass", &[("idempotency-key", "one")], body);
    assert_eq!(again.good(), 1);
}

#[test]
fn a_request_whose_client_has_gone_is_not_begun() {
    let (server, mut holder) = held("gone");
    let mut leaving = server.client();
    leaving.send(request("POST", "/entities/slow/left/tick", &[], ""));
    // It has been read when the one behind it has; both are asked of the same partition.
    let mut staying = server.client();
    let connections = || server.serving.as_ref().expect("it listens").connections();
    wait_until("all are taken", || connections() == 3);
    staying.ask("POST", "/entities/slow/stays/tick", &[("deadline-ms", "50")], "").problem("deadline-exceeded");
    drop(leaving);
    wait_until("it is noticed", || connections() == 2);
    Gate::open("gone");
    assert_eq!(holder.response().good(), 1);
    staying.get("/entities/slow/left").problem("entity-missing");
}

#[test]
fn a_call_that_waits_in_its_partition_is_not_begun_after_its_deadline() {
    let server = Server::with(1, settings());
    let mut client = server.client();
    let jinx = r#"{"other":"jinxed","gate":"in its partition"}"#;
    client.ask("POST", "/entities/stock/tea/jinx_until", &[], jinx).good();
    // Behind a message that is tried again and again.
    let wait = [("deadline-ms", "50")];
    client.ask("POST", "/entities/stock/jinxed/receive", &wait, r#"{"units":5}"#).problem("outcome-unknown");
    Gate::open("in its partition");
    // It takes its turn behind the one that waited.
    let level = client.ask("POST", "/entities/stock/jinxed/receive", &[], r#"{"units":3}"#);
    assert_eq!(level.good(), 103);
}

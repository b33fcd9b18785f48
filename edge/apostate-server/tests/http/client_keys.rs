//! Client keys: asked twice, done once.

use std::thread;

use crate::support::{Client, Response, Server};

fn ask(client: &mut Client, key: &str, handler: &str, units: u32) -> Response {
    let path = format!("/entities/stock/tea/{handler}");
    client.ask("POST", &path, &[("idempotency-key", key)], &format!(r#"{{"units":{units}}}"#))
}

#[test]
fn the_same_key_gets_the_same_reply_in_either_form() {
    let server = Server::start();
    let mut client = server.client();
    for (key, level, is_replayed) in
        [("\"one\"", 5, None), ("one", 5, Some("true")), ("two", 10, None), ("\"one\"", 5, Some("true"))]
    {
        let answer = ask(&mut client, key, "receive", 5);
        assert_eq!(answer.header("idempotency-replayed"), is_replayed, "{key}");
        assert_eq!(answer.good(), level);
    }
}

#[test]
fn a_refusal_is_remembered_too_and_all_of_it_across_restarts() {
    let mut server = Server::start();
    let first = ask(&mut server.client(), "no", "take", 5);
    first.problem("refused");
    assert_eq!(ask(&mut server.client(), "yes", "receive", 5).good(), 5);
    for gracefully in [false, true, false] {
        server = server.restart(gracefully);
        let mut client = server.client();
        let again = ask(&mut client, "no", "take", 5);
        assert_eq!((again.status, again.json()), (first.status, first.json()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(ask(&mut client, "yes", "receive", 5).good(), 5);
    }
}

#[test]
fn another_request_with_the_same_key_is_told_so() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(ask(&mut client, "one", "receive", 5).good(), 5);
    let other = ask(&mut client, "one", "receive", 6);
    other.problem("client-key-reused");
    assert_eq!(other.header("idempotency-replayed"), None);
    ask(&mut client, "one", "take", 5).problem("client-key-reused");
    assert_eq!(client.get("/entities/stock/tea/available").good(), 5);
}

/// What a handler makes of a set without an order is another thing each time.
#[test]
fn what_is_repeated_is_what_was_sent_however_it_is_written() {
    let server = Server::start();
    let mut client = server.client();
    let sorts: Vec<_> = (0..9).map(|sort| format!("\"sort-{sort}\":1")).collect();
    for turn in 0..sorts.len() {
        let turned = [&sorts[turn..], &sorts[..turn]].concat().join(", ");
        let body = format!("{{ \"sorts\": {{{turned}}} }}");
        let answer = client.ask("POST", "/entities/stock/tea/receive_all", &[("idempotency-key", "all")], &body);
        assert_eq!(answer.header("idempotency-replayed"), (turn > 0).then_some("true"));
        assert_eq!(answer.good(), 9);
    }
    let other = client.ask("POST", "/entities/stock/tea/receive_all", &[("idempotency-key", "all")], r#"{"sorts":{}}"#);
    other.problem("client-key-reused");
}

#[test]
fn repetitions_that_are_under_way_together_are_done_once() {
    let server = Server::start();
    let address = server.address();
    let threads: Vec<_> =
        (0..8).map(|_| thread::spawn(move || ask(&mut Client::connect(address), "one", "receive", 5).good())).collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), 5);
    }
    assert_eq!(server.client().get("/entities/stock/tea").good()["version"], 1);
}

#[test]
fn what_cannot_be_a_key_is_told_so() {
    let server = Server::start();
    let mut client = server.client();
    for key in ["\"open", "two words", "", &"k".repeat(256)] {
        ask(&mut client, key, "receive", 5).problem("bad-client-key");
    }
    ask(&mut client, "01920000-0000-7abc-8def-0123456789ab", "receive", 5).problem("client-key-expired");
    client.get("/entities/stock/tea").problem("entity-missing");
}

/// Long requests that are the same at their beginning, or at their end, are not the same.
#[test]
fn all_of_a_request_counts_however_long_it_is() {
    let server = Server::start();
    let mut client = server.client();
    let text = "y".repeat(300_000);
    let mut measure = |key: &str, text: &str| {
        let body = format!(r#"{{"text":"{text}"}}"#);
        client.ask("POST", "/entities/stock/tea/measure", &[("idempotency-key", key)], &body)
    };
    assert_eq!(measure("longer", &text).good(), 300_000);
    for at in [0, 1_000, 100_000, 150_000, 299_999] {
        let mut other = text.clone();
        other.replace_range(at..=at, "z");
        measure("longer", &other).problem("client-key-reused");
    }
    assert_eq!(measure("longer", &text).header("idempotency-replayed"), Some("true"));
}

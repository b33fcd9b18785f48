//! Calls: arguments in, a reply out, and the version that it made.

use crate::support::{Gate, Server, request};

#[test]
fn a_call_changes_an_entity_and_is_answered_with_its_reply() {
    let server = Server::start();
    let mut client = server.client();
    let answer = client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    assert_eq!(answer.good(), 5);
    assert_eq!(answer.header("entity-version"), Some("1"));
    let answer = client.post("/entities/stock/tea/take", r#"{"units": 2}"#);
    assert_eq!((answer.good(), answer.header("entity-version")), (3.into(), Some("2")));
}

#[test]
fn a_handler_without_arguments_needs_no_body_and_one_without_a_reply_says_null() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    assert_eq!(client.post("/entities/stock/tea/close", "").text(), "null");
    assert_eq!(client.post("/entities/stock/tea/close", "{}").text(), "null");
    client.get("/entities/stock/tea").problem("entity-missing");
}

#[test]
fn a_refusal_has_the_status_the_code_and_the_text_of_its_author() {
    let server = Server::start();
    let mut client = server.client();
    let refused = client.post("/entities/stock/tea/take", r#"{"units":5}"#);
    assert_eq!(refused.status, 409);
    let problem = refused.problem("refused");
    assert_eq!(problem["refusal"]["code"], "out-of-stock");
    assert_eq!(problem["refusal"]["text"], "only 0 left");
    assert_eq!(problem["instance"], "/entities/stock/tea/take");
    let refused = client.post("/entities/stock/tea/take", r#"{"units":5000}"#);
    assert_eq!((refused.status, &refused.problem("refused")["refusal"]["code"]), (422, &"too-many".into()));
    client.get("/entities/stock/tea").problem("entity-missing");
}

#[test]
fn whoever_does_not_want_the_reply_is_told_that_it_is_durable() {
    let server = Server::start();
    let mut client = server.client();
    let prefer = [("prefer", "respond-async")];
    let answer = client.ask("POST", "/entities/stock/tea/receive", &prefer, r#"{"units":5}"#);
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert_eq!(answer.header("preference-applied"), Some("respond-async"));
    drop(client);
    let server = server.restart(false);
    assert_eq!(server.client().get("/entities/stock/tea/available").good(), 5);
}

#[test]
fn requests_may_be_sent_before_the_ones_before_are_answered() {
    let server = Server::start();
    let mut client = server.client();
    let one = request("POST", "/entities/stock/tea/receive", &[], r#"{"units":1}"#);
    client.send(one.repeat(200));
    for level in 1..=200 {
        assert_eq!(client.response().good(), level);
    }
}

#[test]
fn what_a_browser_of_another_site_can_send_unasked_is_not_taken() {
    let server = Server::start();
    let mut client = server.client();
    for form in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let answer = client.ask("POST", "/entities/stock/tea/receive", &[("content-type", form)], r#"{"units":5}"#);
        answer.problem("unsupported-media-type");
    }
    let types = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(client.ask("POST", "/entities/stock/tea/receive", &types, r#"{"units":5}"#).good(), 5);
}

#[test]
fn a_call_has_no_parameters() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive?dry_run=true", r#"{"units":5}"#).problem("bad-query");
    assert_eq!(client.get("/entities/stock/tea").status, 404, "nothing was done");
}

#[test]
fn a_panic_is_an_answer_and_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    let problem = client.post("/entities/stock/tea/fumble", r#"{"units":13}"#).problem("handler-panicked");
    assert!(problem["detail"].as_str().expect("text").contains("unlucky number"));
    assert_eq!(client.get("/entities/stock/tea/available").good(), 5);
    assert_eq!(client.post("/entities/stock/tea/fumble", r#"{"units":1}"#).good(), 6);
}

#[test]
fn a_transaction_that_is_too_large_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    client.post("/entities/stock/tea/overdo", "").problem("transaction-too-large");
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(2 << 20));
    client.post("/entities/stock/tea/measure", &long).problem("transaction-too-large");
    assert_eq!(client.get("/entities/stock/tea").good()["version"], 1);
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(1 << 19));
    assert_eq!(client.post("/entities/stock/tea/measure", &long).good(), 1 << 19);
}

#[test]
fn one_entity_that_takes_its_time_holds_up_no_other_connection() {
    let server = Server::with(2, crate::support::settings());
    let mut slow = server.client();
    slow.send(request("POST", "/entities/slow/a/pass", &[], r#"{"gate":"calls"}"#));
    crate::support::wait_until("it is under way", || Gate::is_waited_for("calls"));
    let mut client = server.client();
    assert_eq!(client.get("/health").good()["status"], "alive");
    Gate::open("calls");
    assert_eq!(slow.response().good(), 1);
}

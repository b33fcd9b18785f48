//! States: the whole entity, its version, and a tag to ask again with.

use crate::support::Server;

#[test]
fn a_state_has_kind_key_version_and_a_tag() {
    let server = Server::start();
    let mut client = server.client();
    for units in 1..=3 {
        client.post("/entities/stock/tea/receive", &format!(r#"{{"units":{units}}}"#));
    }
    let answer = client.get("/entities/stock/tea");
    let expected = serde_json::json!({
        "kind": "stock", "key": "tea", "version": 3, "state": { "on_hand": 6, "received": 3, "note": "" }
    });
    assert_eq!(answer.good(), expected);
    assert_eq!(answer.header("etag"), Some("\"3\""));
    for tag in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"] {
        let known = client.ask("GET", "/entities/stock/tea", &[("if-none-match", tag)], "");
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some("\"3\"")), "{tag}");
    }
    client.post("/entities/stock/tea/receive", r#"{"units":1}"#);
    let changed = client.ask("GET", "/entities/stock/tea", &[("if-none-match", "\"3\"")], "");
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"4\"")));
}

#[test]
fn a_state_is_as_new_as_the_last_answer_also_in_the_middle_of_a_batch() {
    let server = Server::start();
    let (mut client, mut other) = (server.client(), server.client());
    for level in 1..=50 {
        client.post("/entities/stock/tea/receive", r#"{"units":1}"#);
        assert_eq!(other.get("/entities/stock/tea").good()["state"]["on_hand"], level);
    }
}

#[test]
fn a_state_survives_a_restart_and_a_kill() {
    let mut server = Server::start();
    server.client().post("/entities/stock/tea/receive", r#"{"units":6}"#);
    for gracefully in [true, false, true] {
        server = server.restart(gracefully);
        assert_eq!(server.client().get("/entities/stock/tea").good()["state"]["on_hand"], 6);
    }
}

#[test]
fn a_state_is_not_written() {
    let server = Server::start();
    let mut client = server.client();
    for method in ["PUT", "POST", "DELETE", "PATCH"] {
        let answer = client.ask(method, "/entities/stock/tea", &[], "");
        answer.problem("method-not-allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn a_state_of_megabytes_arrives_whole() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/annotate", r#"{"bytes":3000000}"#);
    let state = client.get("/entities/stock/tea").good();
    assert_eq!(state["state"]["note"].as_str().map(str::len), Some(3_000_000));
}

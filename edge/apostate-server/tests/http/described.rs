//! What a path answers with is what `/openapi.json` says of it.

use apostate_server::HttpSettings;
use serde_json::Value;

use crate::support::{Client, Response, Server, settings};

/// Checks that `answer` has this code, and that `document` has it among the answers of GET `path`.
fn check(document: &Value, path: &str, answer: &Response, code: &str) {
    answer.problem(code);
    let answers = &document["paths"][path]["get"]["responses"];
    let told = answers[answer.status.to_string()]["description"].as_str().unwrap_or_default();
    assert!(told.contains(&format!("[`{code}`]")), "{path} answers {code}, and the document knows only {answers}");
}

#[test]
fn a_problem_is_among_the_answers_of_its_path() {
    let server = Server::with(1, HttpSettings { streams_max: 1, ..settings() });
    let document = server.client().get("/openapi.json").good();
    for (path, url, headers, code) in [
        ("/", "/", &[("origin", "http://evil.example")][..], "foreign-origin"),
        ("/", "/", &[("host", "localhost")], "bad-header"),
        ("/entities/stock", "/entities/stock", &[("accept", "text/csv")], "not-acceptable"),
        ("/entities/stock", "/entities/stock?limit=0", &[], "bad-query"),
        ("/entities/stock", "/entities/stock?after=x", &[], "bad-cursor"),
        ("/entities/stock", "/entities/stock", &[("sec-fetch-site", "cross-site")], "foreign-origin"),
        ("/entities/stock/{key}", "/entities/stock/tea", &[], "entity-missing"),
        ("/entities/stock/{key}", "/entities/stock/tea?x=1", &[], "bad-query"),
        ("/entities/stock/{key}", "/entities/stock/%FF", &[], "bad-key"),
        ("/entities/stock/{key}", "/entities/stock/tea", &[("deadline-ms", "x")], "bad-header"),
        ("/errors/{code}", "/errors/none", &[], "path-unknown"),
        ("/agreements", "/agreements?state=lost", &[], "bad-query"),
        ("/agreements", "/agreements?kind=ghost", &[], "kind-missing"),
        ("/agreements", "/agreements?after=x", &[], "bad-cursor"),
        ("/agreements/{id}", "/agreements/x", &[], "agreement-missing"),
        ("/parked", "/parked?limit=0", &[], "bad-query"),
        ("/parked", "/parked?after=x", &[], "bad-cursor"),
        ("/parked/{id}", "/parked/x", &[], "parked-missing"),
        ("/partitions", "/partitions?x=1", &[], "bad-query"),
    ] {
        check(&document, path, &server.client().ask("GET", url, headers, ""), code);
    }
    let mut stream = server.client();
    stream.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: one\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(stream.head_only().status, 200);
    let answer = server.client().ask("POST", "/messages", &[("producer", "two")], "");
    answer.problem("too-many-streams");
    for (path, method) in
        [("/messages", "post"), ("/entities/stock", "get"), ("/parked", "get"), ("/parked/{id}", "get")]
    {
        let told = &document["paths"][path][method]["responses"][answer.status.to_string()]["description"];
        assert!(told.as_str().is_some_and(|told| told.contains("[`too-many-streams`]")), "{method} {path}: {told}");
    }
}

#[test]
fn where_a_token_is_wanted_the_document_says_so() {
    let token = "correct-horse-battery-staple";
    let server = Server::with(1, HttpSettings { token: Some(token.to_owned()), ..settings() });
    let own = format!("Bearer {token}");
    let document = server.client().ask("GET", "/openapi.json", &[("authorization", &own)], "").good();
    let ask = |client: &mut Client, headers: &[(&str, &str)]| client.ask("GET", "/parked", headers, "");
    check(&document, "/parked", &ask(&mut server.client(), &[]), "token-missing");
    check(&document, "/parked", &ask(&mut server.client(), &[("authorization", "Bearer other")]), "token-wrong");
}

#[test]
fn a_reader_is_told_how_to_ask_for_news_only() {
    let server = Server::start();
    let document = server.client().get("/openapi.json").good();
    let state = &document["paths"]["/entities/stock/{key}"]["get"];
    let parameters = state["parameters"].as_array().expect("parameters");
    assert!(parameters.iter().any(|parameter| parameter["name"] == "If-None-Match"), "{parameters:?}");
    assert!(state["responses"].get("304").is_some());
}

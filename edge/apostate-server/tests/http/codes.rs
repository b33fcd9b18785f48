//! Every error code that the node documents is one that it gives: here those that no other file of this folder is about.

use crate::support::{Server, settings};

#[test]
fn names_that_are_not_there_are_told_apart() {
    let server = Server::start();
    let mut client = server.client();
    let problem = client.post("/entities/ghost/tea/boo", "").problem("kind-missing");
    assert!(problem["detail"].as_str().expect("text").contains("stock, slow"), "{problem}");
    client.get("/entities/ghost/tea").problem("kind-missing");
    client.get("/entities/ghost").problem("kind-missing");
    let problem = client.post("/entities/stock/tea/boo", "").problem("handler-missing");
    assert!(problem["detail"].as_str().expect("text").contains("receive, receive_all, take, available"), "{problem}");
    client.post("/entities/stock/tea/stumble", "").problem("handler-not-open");
    for handler in ["sell", "put_back"] {
        client.post(&format!("/entities/stock/tea/{handler}"), r#"{"units":1}"#).problem("handler-not-open");
    }
    for path in ["/nothing", "/entities", "/entities/", "/entities/stock/tea/receive/now", "/%FF", "/errors/none", "//"]
    {
        client.get(path).problem("path-unknown");
    }
}

#[test]
fn methods_that_a_path_does_not_know_are_told_which_it_knows() {
    let server = Server::start();
    let mut client = server.client();
    for (method, path, allow) in [
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("PUT", "/parked/x", "GET, HEAD, DELETE"),
        ("GET", "/parked/x/retry", "POST"),
        ("DELETE", "/entities/stock", "GET, HEAD"),
        ("GET", "/messages", "POST"),
        ("OPTIONS", "/", "GET, HEAD"),
    ] {
        let answer = client.ask(method, path, &[], "");
        answer.problem("method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn no_method_reaches_a_tentative_handler() {
    let server = Server::start();
    let mut client = server.client();
    for method in ["POST", "GET"] {
        let answer = client.ask(method, "/entities/stock/tea/reserve", &[], "");
        let problem = answer.problem("tentative-is-proposed");
        assert!(problem["detail"].as_str().expect("text").contains("only an agreement"), "{problem}");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("")), "{method}");
    }
    client.get("/entities/stock/tea").problem("entity-missing");
}

#[test]
fn arguments_that_do_not_fit_name_the_field_at_fault() {
    let server = Server::start();
    let mut client = server.client();
    for (body, names) in [
        ("{", ""),
        ("[5]", "object"),
        ("{}", "units"),
        (r#"{"units":"five"}"#, "units"),
        (r#"{"units":-1}"#, "units"),
        (r#"{"units":5} 6"#, ""),
        ("\u{feff}{}", ""),
    ] {
        let problem = client.post("/entities/stock/tea/receive", body).problem("bad-json");
        assert!(problem["detail"].as_str().expect("text").contains(names), "{body}: {problem}");
    }
    client.get("/entities/stock/tea").problem("entity-missing");
}

#[test]
fn a_parameter_where_none_is_taken_is_named() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":1}"#);
    for path in ["/entities/stock/tea", "/parked/x", "/partitions"] {
        let problem = client.get(&format!("{path}?limit=5")).problem("bad-query");
        assert_eq!(problem["detail"], "`limit` is no parameter here; there is none", "{path}");
    }
    for path in ["/health", "/metrics", "/entities/stock/tea"] {
        assert_eq!(client.get(&format!("{path}?")).status, 200, "{path}");
    }
    assert_eq!(client.get("/health?now=1").status, 200, "probes may ask as they like");
}

#[test]
fn headers_that_cannot_be_read_are_told_so() {
    let server = Server::start();
    let mut client = server.client();
    for header in [("prefer", "wait=soon"), ("deadline-ms", "soon"), ("deadline-ms", "-5")] {
        client.ask("POST", "/entities/stock/tea/receive", &[header], r#"{"units":5}"#).problem("bad-header");
    }
    let (name, value) = ("x-long", "x".repeat(20_000));
    server.client().ask("GET", "/health", &[(name, &value)], "").problem("headers-too-large");
    for count in [90, 150, 199] {
        let many: Vec<_> = (0..count).map(|_| ("x-many", "1")).collect();
        server.client().ask("GET", "/health", &many, "").problem("headers-too-large");
    }
}

#[test]
fn a_request_names_its_host_once() {
    let server = Server::start();
    for (head, status) in [
        ("GET /health HTTP/1.1\r\n", 400),
        ("GET /health HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n", 400),
        ("GET http://localhost/health HTTP/1.1\r\n", 400),
        ("GET /health HTTP/1.0\r\nhost: localhost\r\nhost: evil.example\r\n", 400),
        ("GET /health HTTP/1.1\r\nhost: localhost\r\n", 200),
        ("GET /health HTTP/1.0\r\n", 200),
    ] {
        let mut client = server.client();
        let answer = client.send(format!("{head}\r\n")).response();
        assert_eq!(answer.status, status, "{head}");
        if status == 400 {
            answer.problem("bad-header");
            assert!(client.is_closed(), "{head}");
        }
    }
}

#[test]
fn every_code_has_a_page_that_the_node_serves() {
    let server = Server::with(1, settings());
    let mut client = server.client();
    for code in apostate_api::ErrorCode::ALL {
        let page = client.get(code.problem_type());
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/markdown; charset=utf-8")));
        assert!(page.text().contains(code.as_str()), "{code}");
    }
}

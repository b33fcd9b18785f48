//! Hostile requests: each gets the documented error or a closed connection, and nothing is half applied.

use apostate_server::HttpSettings;

use crate::support::{Server, request, settings};

const RECEIVE: &str = "/entities/stock/tea/receive";

/// Nothing was applied, and others are served.
fn check_unharmed(server: &Server) {
    let mut client = server.client();
    client.get("/entities/stock/tea").problem("entity-missing");
    assert_eq!(client.post("/entities/stock/other/receive", r#"{"units":1}"#).status, 200);
}

#[test]
fn what_is_no_http_is_refused_and_the_connection_closed() {
    let server = Server::start();
    for bytes in [
        &b"\0\0\0\0\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /entities/stock/tea/receive HTTP/1.1\r\nhost: localhost\r\ncontent-length: many\r\n\r\n{\"units\":1}",
        b"POST /entities/stock/tea/receive HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{\"units\":1}",
        b"POST /entities/stock/tea/receive HTTP/1.1\r\nbad header: a\r\ncontent-length: 11\r\n\r\n{\"units\":1}",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = server.client();
        let answer = client.send(bytes).try_response();
        let status = answer.as_ref().map(|answer| answer.status);
        assert!(matches!(status, None | Some(400 | 505)), "{}: {answer:?}", String::from_utf8_lossy(bytes));
        assert!(client.is_closed(), "{}", String::from_utf8_lossy(bytes));
    }
    check_unharmed(&server);
}

#[test]
fn a_request_cannot_hide_another_one() {
    let server = Server::start();
    let hidden = String::from_utf8(request("POST", RECEIVE, &[], r#"{"units":1}"#)).expect("text");
    let with = |fields: &str, body: &str| {
        format!("POST /entities/stock/a/close HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n{body}")
    };
    let chunked = format!("0\r\n\r\n{hidden}");
    for (name, bytes) in [
        ("length and chunks", with("content-length: 5\r\ntransfer-encoding: chunked\r\n", &chunked)),
        ("chunks and length", with("transfer-encoding: chunked\r\ncontent-length: 5\r\n", &chunked)),
        ("two lengths", with("content-length: 0\r\ncontent-length: 7\r\n", &hidden)),
        ("a list of lengths", with("content-length: 0, 7\r\n", &hidden)),
        ("an unknown coding", with("transfer-encoding: xchunked\r\n", &chunked)),
        ("chunked is not the last", with("transfer-encoding: chunked, identity\r\n", &chunked)),
        ("a space before the colon", with("content-length : 7\r\ncontent-length: 0\r\n", &hidden)),
        ("a folded field", with("x: a\r\n transfer-encoding: chunked\r\ncontent-length : 0\r\n", &hidden)),
        ("a chunk of bad length", with("transfer-encoding: chunked\r\n", &format!("0x0\r\n\r\n{hidden}"))),
        (
            "a chunk of endless length",
            with("transfer-encoding: chunked\r\n", &format!("fffffffffffffffff\r\n{hidden}")),
        ),
        ("a chunk without its end", with("transfer-encoding: chunked\r\n", &format!("2\r\n{{}}XX0\r\n\r\n{hidden}"))),
        (
            "old chunks",
            with("transfer-encoding: chunked\r\n", &chunked).replace("HTTP/1.1\r\nhost: localhost", "HTTP/1.0"),
        ),
    ] {
        let mut client = server.client();
        client.send(bytes).hang_up();
        let mut answers = 0;
        while client.try_response().is_some() {
            answers += 1;
        }
        assert!(answers <= 1, "{name}: {answers} answers");
    }
    check_unharmed(&server);
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::with(2, HttpSettings { body_bytes_max: 100_000, ..settings() });
    let body = |bytes: usize| {
        let rest = bytes - r#"{"text":""}"#.len();
        format!(r#"{{"text":"{}"}}"#, "x".repeat(rest))
    };
    let measure = "/entities/stock/other/measure";
    assert_eq!(server.client().post(measure, &body(100_000)).status, 200);
    let mut client = server.client();
    client.post(RECEIVE, &body(100_001)).problem("body-too-large");
    assert!(client.is_closed());
    // Announced, and never sent.
    let head = format!("POST {RECEIVE} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n");
    server.client().send(head).response().problem("body-too-large");
    let mut client = server.client();
    client.send(format!("POST {RECEIVE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"));
    for _ in 0..40 {
        client.send(format!("1000\r\n{}\r\n", "x".repeat(0x1000)));
    }
    client.response().problem("body-too-large");
    check_unharmed(&server);
}

#[test]
fn whoever_is_told_no_before_a_long_body_was_read_hears_it() {
    let server = Server::start();
    let body = "x".repeat(3_500_000);
    for (path, headers, code) in [
        ("/entities/nothing/a/receive", &[][..], "kind-missing"),
        ("/entities/stock/tea/nothing", &[], "handler-missing"),
        ("/entities/stock/tea/receive", &[("deadline-ms", "soon")], "bad-header"),
        ("/messages", &[], "producer-missing"),
        ("/nowhere", &[], "path-unknown"),
    ] {
        for _ in 0..5 {
            let mut client = server.client();
            client.ask("POST", path, headers, &body).problem(code);
            assert_eq!(client.get("/health").status, 200, "and the connection goes on");
        }
    }
    // Whoever asks first is told before it sends anything.
    let mut client = server.client();
    let head = "POST /entities/nothing/a/receive HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3500000\r\nexpect: 100-continue\r\n\r\n";
    client.send(head).response().problem("kind-missing");
    check_unharmed(&server);
}

#[test]
fn a_long_head_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    client.send(b"GET / HTTP/1.1\r\n");
    for field in 0..200_000 {
        client.send(format!("x-{field}: {}\r\n", "y".repeat(90)));
        if field % 1000 == 999 && field > 3000 {
            break;
        }
    }
    let status = client.try_response().map(|answer| answer.status);
    assert!(matches!(status, None | Some(400 | 431)), "{status:?}");
    let mut client = server.client();
    client.send(format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000)));
    let status = client.try_response().map(|answer| answer.status);
    assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
    check_unharmed(&server);
}

#[test]
fn deep_nesting_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    for depth in [129, 1000, 100_000, 1_000_000] {
        let nested = format!(r#"{{"units":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        client.post(RECEIVE, &nested).problem("bad-json");
        let open = format!(r#"{{"units":{}"#, "[".repeat(depth));
        client.post(RECEIVE, &open).problem("bad-json");
    }
    let objects = format!(r#"{{"units":{}{}}}"#, r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    client.post(RECEIVE, &objects).problem("bad-json");
    check_unharmed(&server);
}

#[test]
fn a_body_that_is_cut_short_is_not_applied() {
    let server = Server::start();
    let whole = request("POST", RECEIVE, &[], r#"{"units":1}"#);
    for cut in [whole.len() - 1, whole.len() - 5, whole.len() - 11] {
        let mut client = server.client();
        let answer = client.send(&whole[..cut]).hang_up().try_response();
        assert!(answer.is_none_or(|answer| answer.status == 400), "cut at {cut}");
    }
    let mut client = server.client();
    let chunks = "5\r\n{\"uni\r\n6\r\nts\":1}\r\n";
    client.send(format!("POST {RECEIVE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"));
    let answer = client.send("zz\r\n").try_response();
    if let Some(answer) = answer {
        answer.problem("bad-body");
    }
    check_unharmed(&server);
}

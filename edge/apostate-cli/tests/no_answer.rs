//! The command where no node answers: what became of a call is never guessed, and whoever waits is told at once.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

/// Gives every request this answer, and says where.
fn stranger(answer: &'static str) -> String {
    server(move |_| Some(answer))
}

/// Gives each request the answer for its path, or leaves it waiting, and says where.
fn server(answer: impl Fn(&str) -> Option<&'static str> + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    // It ends with the process.
    std::thread::spawn(move || {
        let mut waiting = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let (mut request, mut bytes) = (Vec::new(), [0; 4096]);
            while !is_whole(&request) {
                match connection.read(&mut bytes) {
                    Ok(count @ 1..) => request.extend_from_slice(&bytes[..count]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request);
            match answer(request.split(' ').nth(1).unwrap_or_default()) {
                Some(answer) => drop(connection.write_all(answer.as_bytes())),
                None => waiting.push(connection),
            }
        }
    });
    url
}

/// Whether a request has come with its body: one that is closed before that may lose its answer.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("\r\n").find_map(|field| field.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().expect("a length"))
}

/// Exit code, standard output and standard error.
fn run(url: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apostate"));
    let output = command.env_clear().env("APOSTATE_URL", url).args(arguments).output().expect("our own program");
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("nobody killed it"), text(stdout), text(stderr))
}

/// What the command says after ` next: `.
fn next(told: &str) -> &str {
    told.split_once("\n next: ").expect("what to try next").1
}

const CALL: [&str; 5] = ["entity", "call", "stock/tea", "receive", "units=5"];

/// Asserts that nobody knows what became of a call, and that it can be repeated with its key. Gives what the command said.
fn assert_unknown(url: &str) -> String {
    let (exit, _, first) = run(url, &CALL);
    assert_eq!(exit, 3, "{first}");
    let key = next(&first).split('`').nth(1).and_then(|flag| flag.strip_prefix("--key ")).expect("a key");
    assert_eq!(key.len(), 36, "{first}");
    let (exit, _, told) = run(url, &[&CALL[..], &["--key", "delivery-1"]].concat());
    assert!(exit == 3 && next(&told).contains("`--key delivery-1`"), "{told}");
    first
}

#[test]
fn a_call_without_an_answer_is_unknown_and_says_its_key() {
    const LOST: [&str; 4] = [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n5",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n\
         {\"type\":\"/errors/internal\",\"title\":\"\",\"status\":500,\"detail\":\"a bug\",\"code\":\"internal\"}",
    ];
    for lost in LOST {
        let url = stranger(lost);
        let told = assert_unknown(&url);
        assert!(!lost.contains("internal") || told.contains("a bug (internal)"), "{told}");
        for verb in ["retry", "dismiss"] {
            let (exit, _, told) = run(&url, &["parked", verb, "7"]);
            assert!(exit == 3 && next(&told).contains("apostate parked list"), "{told}");
        }
        let (exit, _, told) = run(&url, &["entity", "show", "stock/tea"]);
        assert!(matches!(exit, 1 | 6), "a read does nothing: {told}");
    }
}

#[test]
fn what_cannot_be_read_may_be_the_answer_of_a_change_that_was_done() {
    let url = stranger("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
    let told = assert_unknown(&url);
    assert!(told.contains("cannot be read"), "{told}");
    for verb in ["retry", "dismiss"] {
        let (exit, _, told) = run(&url, &["parked", verb, "7"]);
        assert!(exit == 3 && next(&told).contains("`apostate parked list` whether 7 is"), "{told}");
    }
    for reading in [["entity", "show", "stock/tea"], ["entity", "list", "stock"], ["parked", "show", "7"]] {
        let (exit, _, told) = run(&url, &reading);
        assert!(exit == 1 && next(&told).contains("repeat the command"), "it does nothing: {told}");
    }
}

#[test]
fn what_is_no_node_is_said_to_be_none() {
    let urls = [
        stranger("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>"),
        stranger("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
    ];
    let commands: [&[&str]; 5] = [
        &CALL,
        &["entity", "show", "stock/tea"],
        &["entity", "list", "stock"],
        &["parked", "retry", "7"],
        &["node", "status"],
    ];
    for url in &urls {
        for command in commands {
            let (exit, said, told) = run(url, command);
            assert!(exit == 6 && said.is_empty() && next(&told).contains("--url"), "{command:?}: {told}");
        }
    }
    for url in ["", "127.0.0.1:7070", "localhost:7070", "ftp://127.0.0.1:7070"] {
        let (exit, _, told) = run(url, &["node", "status"]);
        assert!(exit == 2 && told.contains("http://") && next(&told).contains("--url"), "{told}");
    }
}

#[test]
fn where_nobody_listens_nothing_was_done() {
    let (exit, _, told) = run("http://127.0.0.1:1", &CALL);
    assert!(exit == 6 && told.contains("Connection refused") && next(&told).contains("start the node"), "{told}");
}

const ALIVE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 18\r\n\r\n{\"status\":\"alive\"}";

#[test]
fn a_node_whose_partitions_say_nothing_is_alive_all_the_same() {
    const NOT_READY: &str = "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n\
        {\"type\":\"/errors/not-ready\",\"title\":\"\",\"status\":503,\"detail\":\"partition 0 opens\",\"code\":\"not-ready\"}";
    let of = |ready: Option<&'static str>, partitions: Option<&'static str>| {
        server(move |path| match path {
            "/health" => Some(ALIVE),
            "/ready" => ready,
            "/partitions" => partitions,
            path => panic!("nobody asks for {path}"),
        })
    };
    let silent = of(Some(NOT_READY), None);
    let patient = std::thread::spawn(move || run(&silent, &["node", "status"]));
    for json in [&[][..], &["--json"]] {
        let (exit, said, told) = run(&of(Some(NOT_READY), Some("")), &[&["node", "status"][..], json].concat());
        assert!(exit == 6 && said.contains("alive, not ready: partition 0 opens"), "{said}{told}");
        assert_eq!(said.starts_with("{\"node\":"), !json.is_empty(), "{said}");
        assert!(told.contains("partitions") && !told.contains("start the node"), "{told}");
    }
    let (exit, said, told) = run(&of(Some(""), Some(NOT_READY)), &["node", "status"]);
    assert!(exit == 8 && said.contains("alive, does not say") && told.contains("(not-ready)"), "{said}{told}");
    let (exit, said, told) = patient.join().expect("it ends");
    assert!(exit == 6 && said.contains("alive, not ready: partition 0 opens"), "{said}{told}");
    assert!(told.contains("no answer for 10.0s") && !next(&told).contains("start the node"), "{told}");
}

#[test]
fn what_somebody_else_did_first_is_not_counted() {
    const NONE: &str = "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n\
        {\"type\":\"/errors/parked-missing\",\"title\":\"\",\"status\":404,\"detail\":\"\",\"code\":\"parked-missing\"}";
    const PAGE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"items\":[\
        {\"id\":\"7\",\"number\":7,\"kind\":\"stock\",\"key\":\"tea\",\"handler\":\"fail\",\"reason\":\"\",\"since\":0}]}";
    let url = server(|path| Some(if path.starts_with("/parked?") { PAGE } else { NONE }));
    let (exit, _, told) = run(&url, &["parked", "dismiss", "--all", "stock"]);
    assert!(exit == 0 && told.starts_with("0 messages of stock"), "{told}");
}

#[test]
fn a_list_that_breaks_off_shows_what_came_and_fails() {
    let url = stranger(
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"key\":\"tea\",\"version\":1,\"state\":{\"on_hand\":5}}\n{\"key\":",
    );
    let (exit, said, told) = run(&url, &["entity", "list", "stock", "--json"]);
    assert_eq!((exit, said.as_str()), (1, "{\"key\":\"tea\",\"version\":1,\"state\":{\"on_hand\":5}}\n"), "{told}");
    let (exit, said, told) = run(&url, &["entity", "list", "stock"]);
    assert!(exit == 1 && said.lines().count() == 2 && next(&told).contains("repeat"), "{said}{told}");
    let (exit, said, _) = run(&url, &["entity", "list", "stock", "--json", "--limit", "1"]);
    assert_eq!((exit, said.lines().count()), (0, 1), "it has what it was asked for");
}

#[test]
fn a_password_in_the_url_is_refused_and_not_repeated() {
    let (code, _, errors) = run("http://root:hunter2@127.0.0.1:1", &["node", "status"]);
    assert_eq!(code, 2);
    assert!(errors.contains("token") && !errors.contains("hunter2"), "{errors}");
}

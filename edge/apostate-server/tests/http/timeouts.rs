//! Timeouts: clients that are slow, silent or deaf are let go, and only they.

use std::time::Duration;

use apostate_server::HttpSettings;

use crate::support::{Gate, Server, request, settings, wait_until};

fn impatient() -> HttpSettings {
    let short = Duration::from_millis(300);
    let long = Duration::from_secs(3600);
    HttpSettings { header_timeout: short, body_timeout: short, write_timeout: long, idle_timeout: long, ..settings() }
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let server = Server::with(1, impatient());
    let mut idle = server.client();
    let mut slow = server.client();
    slow.send("GET /health HTTP/1.1\r\n");
    assert!(slow.is_closed());
    // Nor one that goes on for ever, a little at a time.
    let mut trickling = server.client();
    trickling.send("GET /health HTTP/1.1\r\n");
    let mut writer = trickling.writer();
    let trickle = std::thread::spawn(move || {
        use std::io::Write;
        while writer.write_all(b"x: 1\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(trickling.is_closed());
    trickle.join().expect("no panic");
    assert_eq!(idle.get("/health").status, 200, "who says nothing yet is not slow");
}

#[test]
fn a_body_that_does_not_end_is_not_waited_for() {
    let server = Server::with(1, impatient());
    let mut client = server.client();
    client.send("POST /entities/stock/tea/receive HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\n{\"uni");
    client.response().problem("request-timeout");
    assert!(client.is_closed());
    server.client().get("/entities/stock/tea").problem("entity-missing");
}

#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let idle_timeout = Duration::from_millis(300);
    let server = Server::with(1, HttpSettings { idle_timeout, ..settings() });
    let mut busy = server.client();
    busy.send(request("POST", "/entities/slow/idle/pass", &[], r#"{"gate":"idle"}"#));
    wait_until("it is under way", || Gate::is_waited_for("idle"));
    assert!(server.client().is_closed(), "one that never asked");
    let mut asked = server.client();
    asked.get("/health");
    assert!(asked.is_closed(), "one that asked no more");
    Gate::open("idle");
    assert_eq!(busy.response().good(), 1);
}

#[test]
fn a_client_that_does_not_read_its_answer_is_let_go() {
    let write_timeout = Duration::from_millis(300);
    let server = Server::with(1, HttpSettings { write_timeout, ..settings() });
    let mut client = server.client();
    client.post("/entities/stock/tea/annotate", r#"{"bytes":3000000}"#);
    let connections = || server.serving.as_ref().expect("it listens").connections();
    let mut deaf = server.client();
    deaf.send(request("GET", "/entities/stock/tea", &[], "").repeat(4));
    wait_until("it was taken", || connections() == 2);
    wait_until("it was let go", || connections() == 1);
    assert_eq!(client.get("/health").status, 200);
}

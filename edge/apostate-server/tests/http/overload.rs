//! Overload: more than there may be is told to come again, and what there may be is served.

use apostate_server::HttpSettings;

use crate::support::{Client, Gate, Server, request, settings, wait_until};

#[test]
fn requests_too_many_are_told_to_come_again_and_nothing_of_them_is_done() {
    let server = Server::with(1, HttpSettings { requests_max: 4, threads: Some(1), ..settings() });
    let mut holder = server.client();
    holder.send(request("POST", "/entities/slow/a/pass", &[], r#"{"gate":"overload"}"#));
    wait_until("it is under way", || Gate::is_waited_for("overload"));
    let mut waiting: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut waiting {
        client.send(request("POST", "/entities/slow/b/tick", &[], ""));
    }
    let mut client = server.client();
    let busy = || {
        let mut client = server.client();
        client.ask("POST", "/entities/slow/c/tick", &[("deadline-ms", "1")], "").status == 429
    };
    wait_until("there is no room", busy);
    client.post("/entities/slow/c/tick", "").problem("busy");
    Gate::open("overload");
    assert_eq!(holder.response().good(), 1);
    let mut levels: Vec<_> = waiting.iter_mut().map(|client| client.response().good().as_u64()).collect();
    levels.sort_unstable();
    assert_eq!(levels, [Some(1), Some(2), Some(3)]);
    assert_eq!(client.post("/entities/slow/c/tick", "").good(), 1, "what was turned away was not done");
}

#[test]
fn long_bodies_share_a_budget() {
    let (body_bytes_max, bodies_bytes_max) = (1 << 20, 3 << 20);
    let server = Server::with(1, HttpSettings { body_bytes_max, bodies_bytes_max, ..settings() });
    let head = format!(
        "POST /entities/stock/tea/measure HTTP/1.1\r\nhost: localhost\r\ncontent-length: {body_bytes_max}\r\n\r\n{{\"text\":\""
    );
    let mut client = server.client();
    // What is announced takes no memory before it comes.
    let mut silent: Vec<Client> = (0..10).map(|_| server.client()).collect();
    for client in &mut silent {
        client.send(&head).send("x");
    }
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    assert_eq!(client.post("/entities/stock/tea/measure", &long).good(), 100_000);
    // Four have sent nearly all of a megabyte, and take their time with the rest: there is room for three.
    let rest = "x".repeat(body_bytes_max - r#"{"text":""}"#.len());
    let (most, rest) = rest.split_at(rest.len() - 100);
    let mut slow: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for client in &mut slow {
        client.send(&head).send(most);
    }
    let mut turned_away = 0;
    wait_until("somebody is turned away", || {
        slow.retain_mut(|client| {
            let is_turned_away = is_turned_away(client);
            turned_away += usize::from(is_turned_away);
            !is_turned_away
        });
        turned_away > 0
    });
    assert_eq!(client.post("/entities/stock/tea/receive", r#"{"units":1}"#).good(), 1, "short ones need none");
    assert!(!slow.is_empty());
    for client in &mut slow {
        client.send(format!("{rest}\"}}"));
        assert!(matches!(client.response().status, 200 | 429));
    }
    assert_eq!(client.post("/entities/stock/tea/measure", &long).good(), 100_000, "all of it has come back");
}

/// Whether a client that waits for its answer has been told that there is too much.
fn is_turned_away(client: &mut Client) -> bool {
    let patience = std::time::Duration::from_millis(50);
    let _ = client.writer().set_read_timeout(Some(patience));
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| client.try_response()));
    let _ = client.writer().set_read_timeout(Some(std::time::Duration::from_secs(60)));
    answer.is_ok_and(|answer| answer.is_some_and(|answer| answer.status == 429))
}

#[test]
fn long_answers_that_nobody_reads_keep_their_part_of_the_budget() {
    const STATE_BYTES: usize = 4_000_000;
    let (bodies_bytes_max, write_timeout) = (5 * STATE_BYTES, std::time::Duration::from_secs(3600));
    let server = Server::with(1, HttpSettings { bodies_bytes_max, write_timeout, ..settings() });
    let mut client = server.client();
    client.post("/entities/stock/tea/annotate", &format!(r#"{{"bytes":{STATE_BYTES}}}"#));
    let mut deaf = Vec::new();
    wait_until("there is no memory left", || {
        let mut another = server.client();
        another.send(request("GET", "/entities/stock/tea", &[], ""));
        let is_turned_away = another.head_only().status == 429;
        deaf.push(another);
        assert!(deaf.len() < 100, "{} bytes are nowhere", deaf.len() * STATE_BYTES);
        is_turned_away
    });
    let reply = client.post("/entities/stock/coffee/recite", r#"{"bytes":1000000}"#).good();
    assert_eq!(reply.as_str().map(str::len), Some(1_000_000), "it was done, so it is told");
    assert_eq!(client.get("/entities/stock/milk").status, 404, "short ones need none");
    drop(deaf);
    wait_until("it has come back", || client.get("/entities/stock/tea").status == 200);
}

#[test]
fn streams_too_many_are_told_so() {
    let server = Server::with(1, HttpSettings { streams_max: 1, ..settings() });
    let mut stream = server.client();
    stream.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: one\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(stream.head_only().status, 200);
    let mut client = server.client();
    client.ask("POST", "/messages", &[("producer", "two")], "").problem("too-many-streams");
    client.get("/entities/stock").good();
    client.get("/parked").good();
}

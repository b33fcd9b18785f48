//! Slow readers of long lists: what they do not read is not kept for them.
//!
//! A program of its own, for what is measured is the memory of the whole process.

#![cfg(target_os = "linux")]
#![allow(dead_code, unreachable_pub, unused_imports, reason = "what all tests share is more than this one needs")]

#[path = "http/support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::time::Duration;

use apostate_server::HttpSettings;
use support::{Client, Server, request, settings, wait_until};

const ENTITIES: usize = 1000;
const ENTITY_BYTES: usize = 20_000;
const LIST_BYTES: usize = ENTITIES * ENTITY_BYTES;

/// One at a time: they share the memory that is measured.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_list_is_not_kept_in_memory_for_whoever_reads_it_slowly() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let server = Server::with(1, HttpSettings { write_timeout: Duration::from_secs(1), ..settings() });
    let mut client = server.client();
    for number in 0..ENTITIES {
        let path = format!("/entities/stock/product-{number}/annotate");
        assert_eq!(client.post(&path, &format!(r#"{{"bytes":{ENTITY_BYTES}}}"#)).status, 200);
    }
    // Read to its end once, so that all is there that the node keeps of any list.
    let list = client.ask("GET", "/entities/stock", &[("accept", "application/x-ndjson")], "");
    assert!(list.body.len() > LIST_BYTES, "{} bytes", list.body.len());
    drop(list);
    let before = resident_bytes();
    let deaf = [ask_and_read_nothing(&server), ask_and_read_nothing(&server)];
    let (mut most, mut served) = (before, 0);
    // They are closed when nothing more of their answers could be written for as long as the settings say, and whatever is
    // read ahead for them is read by then.
    wait_until("only one that reads is left", || {
        served += 1;
        assert_eq!(client.post("/entities/stock/tea/receive", r#"{"units":1}"#).good(), served);
        most = most.max(resident_bytes());
        server.serving.as_ref().expect("it listens").connections() == 1
    });
    let grown = most - before;
    assert!(grown < LIST_BYTES / 2, "{grown} bytes, for {} readers of a list of {LIST_BYTES}", deaf.len());
}

/// A reply is as long as its author likes, and a thousand of them are asked for in a few kilobytes.
#[test]
fn replies_to_a_stream_are_not_made_faster_than_they_are_read() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    const REPLY_BYTES: usize = 1 << 20;
    const MESSAGES: usize = 200;
    let server = Server::with(1, HttpSettings { write_timeout: Duration::from_secs(1), ..settings() });
    let line = |number| {
        let arguments = format!(r#"{{"bytes":{REPLY_BYTES}}}"#);
        format!(r#"{{"number":{number},"entity":"stock/tea","handler":"recite","arguments":{arguments}}}"#)
    };
    let lines: Vec<_> = (1..=MESSAGES).map(line).collect();
    let before = resident_bytes();
    let mut deaf = server.client();
    deaf.send(request("POST", "/messages", &[("producer", "deaf")], &lines.join("\n")));
    assert_eq!(deaf.head_only().status, 200);
    let mut most = before;
    wait_until("it is given up", || {
        most = most.max(resident_bytes());
        server.serving.as_ref().expect("it listens").connections() == 0
    });
    let grown = most - before;
    assert!(grown < MESSAGES * REPLY_BYTES / 2, "{grown} bytes, for {MESSAGES} replies of {REPLY_BYTES}");
}

/// Asks for the whole list, and reads no more of the answer than its head.
fn ask_and_read_nothing(server: &Server) -> Client {
    let mut client = server.client();
    client.send(request("GET", "/entities/stock", &[("accept", "application/x-ndjson")], ""));
    assert_eq!(client.head_only().status, 200);
    client
}

/// Memory of this process, without the buffers of the system.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it tells of memory");
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

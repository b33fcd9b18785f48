//! A node that admits everybody says so in its log.
//!
//! A program of its own, for what is logged on one thread is heard only as long as no other thread decides what is worth logging.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "what all tests share is more than this one needs")]

#[path = "http/support/mod.rs"]
mod support;

use std::io::{Read, Seek};

use apostate_server::HttpSettings;
use support::{Server, settings};

const TOKEN: &str = "correct-horse-battery-staple";

/// The log lines of the meantime.
fn logged(work: impl FnOnce()) -> String {
    let log = tempfile::tempfile().expect("a file");
    let writer = std::sync::Mutex::new(log.try_clone().expect("a handle"));
    tracing::subscriber::with_default(tracing_subscriber::fmt().with_writer(writer).finish(), work);
    let (mut log, mut text) = (log, String::new());
    log.rewind().expect("a file");
    log.read_to_string(&mut text).expect("text");
    text
}

#[test]
fn who_lets_everybody_in_is_told_so_wherever_it_listens() {
    let server = Server::with(1, settings());
    let everywhere = ([0, 0, 0, 0], 0).into();
    let token = Some(TOKEN.to_owned());
    for (settings, is_warned) in [
        (HttpSettings { insecure: true, ..settings() }, true),
        (HttpSettings { insecure: true, listen: everywhere, ..settings() }, true),
        (settings(), false),
        (HttpSettings { insecure: true, token, ..settings() }, false),
    ] {
        let listen = settings.listen;
        let log = logged(|| server.node.serve(settings).expect("it listens").stop());
        assert!(log.contains("node listens"), "{log}");
        assert_eq!(log.contains("INSECURE"), is_warned, "{listen}: {log}");
    }
}

//! Connections: as many as there may be, and thousands that do nothing.

use std::net::TcpStream;

use apostate_server::HttpSettings;

use crate::support::{Client, Server, settings, wait_until};

#[test]
fn thousands_of_idle_connections_do_no_harm() {
    // Both ends of each are in this process.
    let files = raised_file_limit();
    let idle = (files.saturating_sub(500) / 2).min(5000);
    assert!(idle >= 1000, "`ulimit -n` is {files}: too few files for a thousand connections with both ends");
    let server = Server::start();
    let held: Vec<_> = (0..idle).map(|_| TcpStream::connect(server.address()).expect("a connection")).collect();
    wait_until("all are taken", || server.serving.as_ref().expect("it listens").connections() as u64 >= idle);
    let mut client = server.client();
    for level in 1..=500 {
        assert_eq!(client.post("/entities/stock/tea/receive", r#"{"units":1}"#).good(), level);
    }
    assert_eq!(held.len() as u64, idle);
    drop(held);
    wait_until("all are let go", || server.serving.as_ref().expect("it listens").connections() == 1);
}

fn raised_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current: _, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(12_000, |maximum| maximum.min(12_000));
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[test]
fn a_connection_too_many_is_told_so_and_the_others_are_served() {
    let server = Server::with(1, HttpSettings { connections_max: 2, ..settings() });
    let (mut first, mut second) = (server.client(), server.client());
    assert_eq!(first.get("/health").status, 200);
    assert_eq!(second.get("/health").status, 200);
    let mut third = server.client();
    third.response().problem("too-many-connections");
    assert!(third.is_closed());
    assert_eq!(first.get("/health").status, 200);
    drop(first);
    wait_until("there is room again", || {
        let mut client = Client::connect(server.address());
        client.send(crate::support::request("GET", "/health", &[], ""));
        client.try_response().is_some_and(|answer| answer.status == 200)
    });
    assert_eq!(second.get("/health").status, 200);
}

#[test]
fn a_client_may_hang_up_at_any_moment() {
    let server = Server::start();
    let whole = crate::support::request("POST", "/entities/stock/tea/receive", &[], r#"{"units":1}"#);
    for length in 0..whole.len() {
        server.client().send(&whole[..length]);
    }
    let mut client = server.client();
    client.get("/entities/stock/tea").problem("entity-missing");
    client.ask("GET", "/health", &[("connection", "close")], "");
    assert!(client.is_closed());
}

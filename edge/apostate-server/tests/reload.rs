//! A whole `main` over TLS that is sent SIGHUP: it reads token and certificate again, and keeps the one before if a new one is unusable.

#![cfg(unix)]

mod common;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use apostate_api::client::Client;
use apostate_server::{About, Config, run};
use common::{Stock, directory, wait_until};
use rustix::process::{Signal, getpid, kill_process};

/// Puts a certificate, its key, and the authority's certificate where the node looks for them.
fn install(name: &str, dir: &Path) -> Vec<u8> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/certificates");
    fs::copy(from.join(format!("{name}.key.pem")), dir.join("key.pem")).expect("a key");
    fs::copy(from.join(format!("{name}.pem")), dir.join("cert.pem")).expect("a certificate");
    fs::read(from.join(format!("{name}.authority.pem"))).expect("an authority")
}

/// Whether the node shows a certificate of this authority, and lets in who sends this token.
fn is_served(address: SocketAddr, authority: &[u8], token: &str) -> bool {
    let client = Client::trusting(&format!("https://{address}"), authority).expect("a client");
    let client = client.asking_once(Duration::from_secs(60)).with_token(token).expect("a token");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(client.call(Stock::at("tea").receive(1))).is_ok()
}

fn send(signal: Signal) {
    kill_process(getpid(), signal).expect("the process is this one");
}

#[test]
fn at_sighup_token_and_certificate_are_read_again_each_by_itself() {
    let dir = directory();
    let token_file = dir.path().join("token");
    let say = |token: &str| fs::write(&token_file, token).expect("written");
    let first = install("first", dir.path());
    say("the-first-of-the-tokens");
    let config = Config {
        data: Some(dir.path().join("data")),
        listen: Some(([127, 0, 0, 1], 0).into()),
        partitions: Some(1),
        token_file: Some(token_file.clone()),
        tls_cert: Some(dir.path().join("cert.pem")),
        tls_key: Some(dir.path().join("key.pem")),
        ..Config::default()
    };
    let about = About { title: "Test", description: "Reads again.", version: "1.0.0" };
    let (listens, address) = mpsc::channel();
    let node = std::thread::spawn(move || {
        run::<(Stock,)>(config, about, |address| {
            listens.send(address).expect("the test waits");
            Ok(())
        })
    });
    let address = address.recv().expect("it listens");
    assert!(is_served(address, &first, "the-first-of-the-tokens"));

    // A certificate that is none: the new token shows that it was read, and looked at.
    fs::write(dir.path().join("cert.pem"), "no certificate").expect("written");
    say("the-second-of-the-tokens");
    send(Signal::HUP);
    wait_until("the second token counts", || is_served(address, &first, "the-second-of-the-tokens"));
    assert!(!is_served(address, &first, "the-first-of-the-tokens"));

    let second = install("second", dir.path());
    say("short");
    send(Signal::HUP);
    wait_until("the second certificate is shown", || is_served(address, &second, "the-second-of-the-tokens"));
    assert!(!is_served(address, &first, "the-second-of-the-tokens"));

    send(Signal::TERM);
    node.join().expect("no panic").expect("it ended well");
}

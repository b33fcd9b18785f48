//! An address that somebody else has ends a start before it has begun.

mod common;

use std::net::TcpListener;

use apostate_server::{About, Config, RunError, ServeError, run};
use common::{App, chain, directory};

#[test]
fn a_node_without_its_address_leaves_no_data_behind() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = other.local_addr().expect("an address");
    let dir = directory();
    let data = dir.path().join("data");
    let config = Config { listen: Some(address), data: Some(data.clone()), ..Config::default() };
    let about = About { title: "a test", description: "", version: "1" };
    let error = run::<App>(config, about, |_| panic!("it listens")).expect_err("the address is taken");
    assert!(matches!(error, RunError::Serve(ServeError::Listen { .. })), "{error:?}");
    assert!(chain(&error).contains(&address.to_string()), "{}", chain(&error));
    assert!(!data.exists(), "nothing was opened");
}

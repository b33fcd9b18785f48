//! A node with a few kinds, and a client that sends what it is told, byte for byte.

mod app;
mod client;

pub use app::{App, Gate, OpenAtLast, Slow, Stock};
pub use client::{Client, Response, request};

use std::net::SocketAddr;
use std::path::Path;

use apostate_server::{HttpSettings, Node, Serving, Settings};

/// A node that listens, in a directory that goes with it.
pub struct Server {
    // In the order in which they go.
    pub serving: Option<Serving>,
    pub node: Node,
    dir: tempfile::TempDir,
}

/// Where a test listens: anywhere that is free.
pub fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// The settings of a test, all else by default.
pub fn settings() -> HttpSettings {
    HttpSettings { threads: Some(2), ..HttpSettings::at(anywhere()) }
}

fn open(data: &Path, partitions: Option<u32>) -> Node {
    let settings = Settings { partitions, segment_bytes: 1 << 20, ..Settings::new(data) };
    Node::open::<App>(settings).expect("a node")
}

impl Server {
    /// Two partitions, and the settings of a test.
    pub fn start() -> Self {
        Self::with(2, settings())
    }

    pub fn with(partitions: u32, settings: HttpSettings) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let node = open(&dir.path().join("data"), Some(partitions));
        let serving = Some(node.serve(settings).expect("it listens"));
        Self { serving, node, dir }
    }

    pub fn address(&self) -> SocketAddr {
        self.serving.as_ref().expect("it listens").local_addr()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Ends the node as if the process had died, or in good order, and starts it again.
    pub fn restart(self, gracefully: bool) -> Self {
        let Self { serving, mut node, dir } = self;
        if gracefully {
            serving.expect("it listens").stop();
            node.stop().expect("it stops");
        } else {
            drop(serving);
        }
        drop(node);
        let node = open(&dir.path().join("data"), None);
        let serving = Some(node.serve(settings()).expect("it listens"));
        Self { serving, node, dir }
    }
}

/// Waits for a state of the world; never for a time.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("a minute has passed, and still not: {what}");
}

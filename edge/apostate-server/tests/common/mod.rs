//! A small application, and a node for it, for the journeys in this folder.
#![allow(dead_code, unreachable_pub, reason = "each journey is a crate of its own, and uses a part of this")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use apostate::prelude::*;
use apostate_server::{Node, Settings};

/// The stock of one product.
#[entity(name = "stock")]
#[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    pub on_hand: u32,
    pub received: u32,
}

#[handlers]
impl Stock {
    /// Takes in units and answers with the new level.
    #[open]
    pub fn receive(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        self.received += 1;
        self.on_hand
    }

    /// Takes units out, if there are enough.
    #[open]
    pub fn take(&mut self, units: u32) -> Result<u32, Refusal> {
        refuse!(self.on_hand < units, code = "out-of-stock", "only {} left", self.on_hand);
        self.on_hand -= units;
        Ok(self.on_hand)
    }

    /// Units at hand.
    #[open]
    pub fn available(&self) -> u32 {
        self.on_hand
    }

    /// Moves units to another product, by message.
    #[open]
    pub fn pass(&mut self, tx: &mut Tx, to: String, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < units, "only {} left", self.on_hand);
        self.on_hand -= units;
        tx.send(Stock::at(to).receive(units));
        Ok(())
    }

    /// Panics after it changed something.
    #[open]
    pub fn fumble(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        assert!(units != 13, "unlucky number");
        self.on_hand
    }

    /// Is gone.
    #[open]
    pub fn close(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

/// Something that the node in these tests does not know.
#[entity(name = "ghost")]
#[derive(Default, Serialize, Deserialize)]
pub struct Ghost {
    seen: u32,
}

#[handlers]
impl Ghost {
    /// Says something.
    #[open]
    pub fn boo(&mut self) -> u32 {
        self.seen += 1;
        self.seen
    }
}

/// Bombs do nothing any more, in this process.
pub static IS_DEFUSED: AtomicBool = AtomicBool::new(false);

/// Something that ends the process when it goes off.
#[entity(name = "bomb")]
#[derive(Default, Serialize, Deserialize)]
pub struct Bomb {
    lit: u32,
}

#[handlers]
impl Bomb {
    /// Sets another bomb off, by message.
    #[open]
    pub fn light(&mut self, tx: &mut Tx, other: String) {
        self.lit += 1;
        tx.send(Bomb::at(&other).explode());
        tx.send(Bomb::at(&other).survive());
    }

    /// Ends the process, unless somebody has seen to it that it does not.
    pub fn explode(&mut self) {
        self.lit += 1;
        if !IS_DEFUSED.load(Ordering::Relaxed) {
            std::process::abort();
        }
    }

    /// Comes after the bang.
    pub fn survive(&mut self) {
        self.lit += 10;
    }

    /// How often it was lit.
    #[open]
    pub fn lit(&self) -> u32 {
        self.lit
    }
}

/// The application.
pub type App = (Stock, Bomb);

/// Small files, so that journeys are quick.
pub fn settings(data: &Path, partitions: u32) -> Settings {
    Settings { partitions: Some(partitions), segment_bytes: 1 << 20, ..Settings::new(data) }
}

/// Opens a node.
pub fn open(data: &Path, partitions: u32) -> Node {
    Node::open::<App>(settings(data, partitions)).expect("a node")
}

/// A directory that goes when the test ends.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// An error and its causes, as the edge would print them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Two keys of the kind `kind` that two partitions have between them, the lower one first.
pub fn far_apart(kind: &str) -> (String, String) {
    let high = keys().find(|key| hash(kind, key) > 3 << 62).expect("there are many");
    (low(kind).next().expect("there are many"), high)
}

/// Keys of the kind `kind` that the first of two partitions has.
pub fn low(kind: &str) -> impl Iterator<Item = String> {
    keys().filter(move |key| hash(kind, key) < 1 << 62)
}

fn keys() -> impl Iterator<Item = String> {
    (0..4000).map(|number| format!("key-{number}"))
}

fn hash(kind: &str, key: &str) -> u64 {
    let key = EntityKey::new(key).expect("a key");
    apostate_core::ring_hash(apostate_core::KindId::of(kind), &key)
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

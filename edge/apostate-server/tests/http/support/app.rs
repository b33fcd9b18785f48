//! The kinds of these tests.

use std::sync::{Condvar, Mutex};

use apostate::prelude::*;

/// What the warehouse has of one product.
#[entity(name = "stock")]
#[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    pub on_hand: u32,
    pub received: u32,
    pub note: String,
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

    /// Takes in units of many sorts, in whatever order.
    #[open]
    pub fn receive_all(&mut self, sorts: std::collections::HashMap<String, u32>) -> u32 {
        self.receive(sorts.values().sum())
    }

    /// Takes units out, if there are enough.
    #[open]
    pub fn take(&mut self, units: u32) -> Result<u32, Refusal> {
        refuse!(units > 1000, code = "too-many", status = 422, "nobody takes {units} at once");
        refuse!(self.on_hand < units, code = "out-of-stock", "only {} left", self.on_hand);
        self.on_hand -= units;
        Ok(self.on_hand)
    }

    /// Units at hand.
    #[open]
    pub fn available(&self) -> u32 {
        self.on_hand
    }

    /// What `units` of it would cost, told to `name`.
    #[open]
    pub fn quote(&self, name: String, units: u32, express: Option<bool>) -> String {
        format!("{name}: {units} of {}{}", self.on_hand, if express == Some(true) { ", at once" } else { "" })
    }

    /// Writes a note as long as is said.
    #[open]
    pub fn annotate(&mut self, bytes: usize) {
        self.note = "note ".chars().cycle().take(bytes).collect();
    }

    /// Reads a text, and says how long it is.
    #[open]
    pub fn measure(&mut self, text: String) -> usize {
        self.received += 1;
        text.len()
    }

    /// Answers as long as is said.
    #[open]
    pub fn recite(&mut self, bytes: usize) -> String {
        self.received += 1;
        "word ".chars().cycle().take(bytes).collect()
    }

    /// Sends more than one transaction may.
    #[open]
    pub fn overdo(&mut self) {
        self.note = "x".repeat(8 << 20);
    }

    /// Panics after it changed something.
    #[open]
    pub fn fumble(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        assert!(units != 13, "unlucky number");
        self.on_hand
    }

    /// Sends a message that odd ones refuse.
    #[open]
    pub fn hand_over(&mut self, tx: &mut Tx, other: String) {
        tx.send(Stock::at(other).take_over().or_ignore());
    }

    /// Only entities may send it, and odd ones refuse it.
    pub fn take_over(&mut self, tx: &mut Tx) -> Result<(), Refusal> {
        refuse!(tx.key().as_str().ends_with(['1', '3', '5', '7', '9']), "{} is odd", tx.key());
        self.received += 1;
        Ok(())
    }

    /// Only agreements may send it.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&mut self, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < units, "only {} left", self.on_hand);
        self.on_hand -= units;
        Ok(())
    }

    fn sell(&mut self, _units: u32) {}

    fn put_back(&mut self, units: u32) {
        self.on_hand += units;
    }

    /// Sends a message that cannot be applied.
    #[open]
    pub fn jinx(&mut self, tx: &mut Tx, other: String) {
        self.received += 1;
        tx.send(Stock::at(other).stumble());
    }

    /// Only entities may send it, and it panics.
    pub fn stumble(&mut self) {
        panic!("it stumbled");
    }

    /// Sends a message that panics when it is read.
    #[open]
    pub fn lay(&mut self, tx: &mut Tx, other: String) {
        tx.send(Stock::at(other).tread(Mine));
    }

    /// Only entities may send it, and nobody can read it.
    pub fn tread(&mut self, mine: Mine) {
        let Mine = mine;
    }

    /// Sends a message that cannot be applied before this gate is open.
    #[open]
    pub fn jinx_until(&mut self, tx: &mut Tx, other: String, gate: String) {
        tx.send(Stock::at(other).stumble_until(gate));
    }

    /// Only entities may send it, and it panics until this gate is open.
    pub fn stumble_until(&mut self, gate: String) {
        assert!(Gate::is_open(&gate), "it stumbled");
        self.on_hand += 100;
    }

    /// Is gone.
    #[open]
    pub fn close(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

/// An argument that panics when it is read.
#[derive(Debug, Serialize)]
pub struct Mine;

impl<'de> Deserialize<'de> for Mine {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("it goes off")
    }
}

/// Something whose handlers wait until a test lets them go on.
#[entity(name = "slow")]
#[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slow {
    pub done: u32,
}

#[handlers]
impl Slow {
    /// Waits for the gate of this name.
    #[open]
    pub fn pass(&mut self, gate: String) -> u32 {
        Gate::pass(&gate);
        self.done += 1;
        self.done
    }

    /// Does not wait.
    #[open]
    pub fn tick(&mut self) -> u32 {
        self.done += 1;
        self.done
    }

    /// How often it was done.
    #[open]
    pub fn done(&self) -> u32 {
        self.done
    }
}

/// The application.
pub type App = (Stock, Slow);

/// Gates at which handlers wait. A gate is closed until it is opened.
pub struct Gate;

#[derive(Default)]
struct Gates {
    open: Vec<String>,
    waiting: Vec<String>,
}

static GATES: Mutex<Gates> = Mutex::new(Gates { open: Vec::new(), waiting: Vec::new() });
static CHANGED: Condvar = Condvar::new();

/// Opens a gate at the end of a test, however that ends: a node waits for its handlers when it goes.
pub struct OpenAtLast(pub &'static str);

impl Drop for OpenAtLast {
    fn drop(&mut self) {
        Gate::open(self.0);
    }
}

impl Gate {
    pub fn open(name: &str) {
        GATES.lock().expect("no panic").open.push(name.to_owned());
        CHANGED.notify_all();
    }

    pub fn is_open(name: &str) -> bool {
        GATES.lock().expect("no panic").open.iter().any(|open| open == name)
    }

    /// Whether a handler waits there.
    pub fn is_waited_for(name: &str) -> bool {
        GATES.lock().expect("no panic").waiting.iter().any(|waiting| waiting == name)
    }

    fn pass(name: &str) {
        let mut gates = GATES.lock().expect("no panic");
        gates.waiting.push(name.to_owned());
        while !gates.open.iter().any(|open| open == name) {
            gates = CHANGED.wait(gates).expect("no panic");
        }
    }
}

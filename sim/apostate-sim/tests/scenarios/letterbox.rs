//! Letterboxes: entities that write to each other and panic, and the same of an older build.

use apostate::prelude::*;

/// Counts what it is sent.
#[entity(name = "box")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Letterbox {
    got: Vec<u64>,
}

#[handlers]
impl Letterbox {
    /// Sends a letter to another one.
    #[open]
    pub fn write(&mut self, tx: &mut Tx, to: String, letter: u64) {
        tx.send(Self::at(to).receive(letter));
    }

    /// Takes a letter.
    #[open]
    pub fn receive(&mut self, letter: u64) {
        self.got.push(letter);
    }

    /// The letters that have come.
    #[open]
    pub fn got(&self) -> Vec<u64> {
        self.got.clone()
    }

    /// Has another one panic.
    #[open]
    pub fn prick(&mut self, tx: &mut Tx, to: String) {
        tx.send(Self::at(to).burst());
    }

    /// Panics.
    #[open]
    pub fn burst(&mut self) {
        panic!("on purpose");
    }
}

/// The same of an older build, which does not know what a letter is.
#[entity(name = "box")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OldLetterbox {
    #[serde(default)]
    seen: u64,
}

#[handlers]
impl OldLetterbox {
    /// Panics.
    #[open]
    pub fn burst(&mut self) {
        panic!("on purpose");
    }

    /// Counts.
    #[open]
    pub fn see(&mut self) -> u64 {
        self.seen += 1;
        self.seen
    }
}

//! Entities that are deleted and begin anew, with and without client keys: what is left of one that is gone.

use apostate::prelude::*;

/// Flies for a while.
#[entity(name = "mayfly")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mayfly {
    /// Transactions since it began.
    pub(crate) applied: u64,
}

#[handlers]
impl Mayfly {
    /// Flies, and has another one fly. Refuses to fly after itself.
    #[open]
    pub fn chase(&mut self, tx: &mut Tx, other: String) -> Result<u64, Refusal> {
        refuse!(other == tx.key().as_str(), code = "alone", "after {} flights", self.applied);
        self.applied += 1;
        tx.send(Mayfly::at(other).fly());
        Ok(self.applied)
    }

    /// Flies.
    pub fn fly(&mut self) {
        self.applied += 1;
    }

    /// Ends it.
    #[open]
    pub fn end(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

//! A register that clients outside add to, with and without client keys: what a single entity promises its clients.

use apostate::prelude::*;

/// Adds up what it is told.
#[entity(name = "register")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Register {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    /// The tags of what was added.
    pub(crate) tags: Vec<u32>,
    /// The sum of powers of two, one for each tag: what has been added, as one number.
    pub(crate) sum: u64,
    /// Tags that were added twice.
    pub(crate) doubled: u32,
}

#[handlers]
impl Register {
    /// Adds a tag, which is below 64. Refuses every seventh.
    #[open]
    pub fn add(&mut self, tag: u32) -> Result<u64, Refusal> {
        refuse!(tag % 7 == 6, code = "seventh", "tag {tag}, with {:#x} there", self.sum);
        self.applied += 1;
        self.doubled += u32::from(self.tags.contains(&tag));
        self.tags.push(tag);
        self.sum += 1 << tag;
        Ok(self.sum)
    }

    /// The sum of everything that was added.
    #[open]
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

//! The entities under load: journals that say in which order their tags came, and a mirror for each.

use apostate::prelude::*;

/// Every so many'th tag is refused.
pub(crate) const REFUSED: u64 = 13;

/// Remembers tags in the order in which they came.
#[entity(name = "journal")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    tags: Vec<u64>,
}

/// Is told of each tag of its journal, by a message.
#[entity(name = "mirror")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Mirror {
    tags: Vec<u64>,
}

#[handlers]
impl Journal {
    /// Adds a tag, and answers how many there are with it.
    #[open]
    pub fn add(&mut self, tx: &mut Tx, tag: u64) -> Result<usize, Refusal> {
        refuse!(tag.is_multiple_of(REFUSED), code = "multiple", "{tag} is a multiple of {REFUSED}");
        self.tags.push(tag);
        tx.send(Mirror::at(tx.key().clone()).add(tag));
        Ok(self.tags.len())
    }

    /// How many tags there are.
    #[open]
    pub fn count(&self) -> usize {
        self.tags.len()
    }
}

#[handlers]
impl Mirror {
    pub fn add(&mut self, tag: u64) {
        self.tags.push(tag);
    }
}

/// The kinds of the application.
pub(crate) type App = (Journal, Mirror);

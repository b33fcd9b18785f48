//! Handlers that panic: some a few times, some always, and always after they have changed something.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use apostate::prelude::*;

/// Panics as often as any message is retried and more: it is parked.
pub(crate) const ALWAYS: u32 = u32::MAX;

thread_local! {
    /// How often each message has panicked. A handler may depend on more than its entity; this is how one that is
    /// healed by time does.
    static PANICS: RefCell<BTreeMap<u64, u32>> = const { RefCell::new(BTreeMap::new()) };
    static IS_PANICKING: Cell<bool> = const { Cell::new(true) };
}

/// Forgets all panics, and says whether handlers panic from now on.
pub(crate) fn set_panicking(is_panicking: bool) {
    PANICS.with_borrow_mut(BTreeMap::clear);
    IS_PANICKING.set(is_panicking);
}

/// Whether the message with this tag panics once more, which it does so many `times`.
pub(crate) fn panics_again(tag: u64, times: u32) -> bool {
    if !IS_PANICKING.get() {
        return false;
    }
    PANICS.with_borrow_mut(|panics| {
        let count = panics.entry(tag).or_default();
        *count += u32::from(*count < times);
        *count < times || times == ALWAYS
    })
}

/// An entity whose handlers panic.
///
/// The name in its key is an older one: where an entity lives depends on it, and with that the course of every seed.
#[entity(name = "moody")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Flaky {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    pub(crate) sent: u64,
    pub(crate) got: u64,
}

#[handlers]
impl Flaky {
    /// Pokes others, each of which panics `times`.
    #[open]
    pub fn poke(&mut self, tx: &mut Tx, whom: Vec<String>, tag: u64, times: u32) -> u64 {
        self.applied += 1;
        for other in whom {
            self.sent += 1;
            tx.send(Self::at(other).poked(tag.wrapping_mul(31).wrapping_add(self.sent), times));
        }
        self.sent
    }

    /// Panics `times`, and is patient then. Whoever is poked pats the one that poked.
    pub fn poked(&mut self, tx: &mut Tx, tag: u64, times: u32) {
        self.applied += 1;
        self.got += 1;
        if let Some(sender) = tx.sender() {
            let sender = sender.key().clone();
            self.sent += 1;
            tx.send(Self::at(sender).patted());
        }
        assert!(!panics_again(tag, times), "moody");
    }

    /// Is patted.
    pub fn patted(&mut self) {
        self.applied += 1;
        self.got += 1;
    }

    /// Panics when called from outside.
    #[open]
    pub fn scold(&mut self) {
        self.applied += 1;
        self.got += 1000;
        panic!("scolded");
    }
}

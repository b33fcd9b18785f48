//! The table of open work, by entity, and the journal of what the open batch has changed in it.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::Address;
use hashbrown::HashTable;

use super::agreement::Agreement;
use super::item::{Item, Kept, Name};
use super::journal::Change;
use crate::cells::ask::OpenAsk;
use crate::cells::operation::Operation;
use crate::cells::owed::Owed;
use crate::cells::settlement::Settlement;

/// Cells by their keys.
type Restoring = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// The open work of one entity.
#[derive(Debug)]
pub(super) struct EntityWork {
    pub(super) of: Address,
    pub(super) items: BTreeMap<Name, Kept<Item>>,
    pub(super) agreements: BTreeMap<NonZeroU64, Arc<Agreement>>,
}

/// How much there is of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    asks: usize,
    pub(super) agreements: usize,
    operations: usize,
    owed: usize,
    settled: Settled,
}

/// Counts of operations that were settled by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Those that are kept: their real ending has not come, or was another one.
    pub(crate) kept: usize,
    /// Those whose real ending was another one.
    pub(crate) contradicted: usize,
}

/// The open work of all entities of a partition.
#[derive(Default)]
pub(crate) struct OpenWork {
    /// By the hashes of the entities; those that have none are not there.
    pub(super) of: HashTable<EntityWork>,
    /// Changes of the open batch, in their order.
    pub(super) journal: Vec<Change>,
    pub(super) counts: Counts,
    /// Cells that are read back, while the partition opens.
    pub(super) restoring: Restoring,
}

impl Counts {
    pub(super) fn of(&mut self, name: &Name) -> &mut usize {
        match name {
            Name::Ask(_) => &mut self.asks,
            Name::Owed(_) => &mut self.owed,
            Name::Settled(..) => &mut self.settled.kept,
            Name::Contradicted(..) => &mut self.settled.contradicted,
            Name::Operation(..) => &mut self.operations,
        }
    }
}

impl EntityWork {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.agreements.is_empty()
    }
}

/// Reading.
impl OpenWork {
    /// Number of asks that are open.
    pub(crate) fn asks(&self) -> usize {
        self.counts.asks
    }

    /// Number of agreements that are not over.
    pub(crate) fn agreements(&self) -> usize {
        self.counts.agreements
    }

    /// Number of operations that are tentative.
    pub(crate) fn operations(&self) -> usize {
        self.counts.operations
    }

    /// Number of answers that are owed.
    pub(crate) fn owed(&self) -> usize {
        self.counts.owed
    }

    /// Numbers of operations that were settled by hand.
    pub(crate) fn settled(&self) -> Settled {
        self.counts.settled
    }

    fn work_of(&self, of: &Address) -> Option<&EntityWork> {
        self.of.find(of.hash(), |work| work.of == *of)
    }

    fn item(&self, of: &Address, name: &Name) -> Option<&Item> {
        self.work_of(of)?.items.get(name).map(|kept| &kept.value)
    }

    /// The names of an entity's items, in their order.
    fn names(&self, of: &Address) -> impl DoubleEndedIterator<Item = &Name> {
        self.work_of(of).into_iter().flat_map(|work| work.items.keys())
    }

    /// The numbers of an entity's open asks.
    pub(crate) fn asks_of(&self, asker: &Address) -> impl Iterator<Item = NonZeroU64> {
        self.names(asker).map_while(|name| if let Name::Ask(number) = name { Some(*number) } else { None })
    }

    /// The numbers of the answers that an entity owes.
    pub(crate) fn all_owed_by(&self, of: &Address) -> impl Iterator<Item = NonZeroU64> {
        let names = self.names(of).skip_while(|name| matches!(name, Name::Ask(_)));
        names.map_while(|name| if let Name::Owed(number) = name { Some(*number) } else { None })
    }

    /// Whether an entity has more tentative operations than so many.
    pub(crate) fn has_more_operations(&self, of: &Address, count: usize) -> bool {
        let names = self.names(of).rev().take_while(|name| matches!(name, Name::Operation(..)));
        names.take(count + 1).count() > count
    }

    /// An open ask of an entity.
    pub(crate) fn ask(&self, asker: &Address, number: NonZeroU64) -> Option<&OpenAsk> {
        match self.item(asker, &Name::Ask(number))? {
            Item::Ask(ask) => Some(ask),
            _ => None,
        }
    }

    /// An answer that an entity owes.
    pub(crate) fn owed_by(&self, of: &Address, number: NonZeroU64) -> Option<&Owed> {
        match self.item(of, &Name::Owed(number))? {
            Item::Owed(owed) => Some(owed),
            _ => None,
        }
    }

    /// The tentative operation of an entity for the try of this number from this proposer.
    pub(crate) fn operation(&self, of: &Address, proposer: &Address, number: NonZeroU64) -> Option<&Operation> {
        match self.item(of, &Name::Operation(number, proposer.clone()))? {
            Item::Operation(operation) => Some(operation),
            _ => None,
        }
    }

    /// The settlement by hand of an operation.
    pub(crate) fn settlement(&self, of: &Address, proposer: &Address, number: NonZeroU64) -> Option<&Settlement> {
        match self.item(of, &Name::Settled(number, proposer.clone()))? {
            Item::Settled(settlement) => Some(settlement),
            _ => None,
        }
    }

    /// Whether the real ending of an operation that was settled by hand was another one.
    pub(crate) fn is_contradicted(&self, of: &Address, proposer: &Address, number: NonZeroU64) -> bool {
        self.item(of, &Name::Contradicted(number, proposer.clone())).is_some()
    }

    /// The agreement of a proposer that has this number, or a leg with it.
    pub(crate) fn agreement(&self, proposer: &Address, number: NonZeroU64) -> Option<(NonZeroU64, &Agreement)> {
        let (of, agreement) = self.work_of(proposer)?.agreements.range(..=number).next_back()?;
        let is_its = number.get() - of.get() <= u64::from(agreement.header.legs);
        is_its.then_some((*of, &**agreement))
    }

    /// Number of agreements of a proposer that are not over.
    pub(crate) fn agreements_of(&self, proposer: &Address) -> usize {
        self.work_of(proposer).map_or(0, |work| work.agreements.len())
    }
}

/// Changes, in the open batch.
impl OpenWork {
    /// The work of an entity, made if it has none.
    pub(super) fn work_mut(&mut self, of: &Address) -> &mut EntityWork {
        let entry = self.of.entry(of.hash(), |work| work.of == *of, |work| work.of.hash());
        entry
            .or_insert_with(|| EntityWork { of: of.clone(), items: BTreeMap::new(), agreements: BTreeMap::new() })
            .into_mut()
    }

    /// Changes the work of an entity that has some; an entity with none is forgotten.
    pub(super) fn change<T>(&mut self, of: &Address, change: impl FnOnce(&mut EntityWork) -> T) -> Option<T> {
        let mut entry = self.of.find_entry(of.hash(), |work| work.of == *of).ok()?;
        let result = change(entry.get_mut());
        if entry.get().is_empty() {
            entry.remove();
        }
        Some(result)
    }

    /// Begins something.
    pub(crate) fn begin(&mut self, of: &Address, name: Name, item: Item) {
        self.insert(of, name.clone(), Kept { value: item, is_logged: false });
        self.journal.push(Change::Begun(of.clone(), name));
    }

    pub(super) fn insert(&mut self, of: &Address, name: Name, item: Kept<Item>) {
        let count = self.counts.of(&name);
        *count += 1;
        let before = self.work_mut(of).items.insert(name, item);
        assert!(before.is_none(), "E1 broken: a name of open work is used twice");
    }

    pub(super) fn remove(&mut self, of: &Address, name: &Name) -> Option<Kept<Item>> {
        let removed = self.change(of, |work| work.items.remove(name))??;
        *self.counts.of(name) -= 1;
        Some(removed)
    }

    /// Ends something, if it is there.
    pub(crate) fn end(&mut self, of: &Address, name: &Name) {
        if let Some(Kept { value, is_logged: true }) = self.remove(of, name) {
            self.journal.push(Change::Ended(of.clone(), name.clone(), value));
        }
    }
}

impl OpenWork {
    /// Whether nothing is changed outside of a batch, and everything is counted.
    pub(crate) fn check(&self, is_batch_open: bool) {
        assert!(is_batch_open || self.journal.is_empty(), "E1 broken: open work is changed in no batch");
        let mut counted = Counts::default();
        for work in self.in_order() {
            assert!(!work.is_empty(), "E4 broken: {:?} is listed without open work", work.of);
            work.items.keys().for_each(|name| *counted.of(name) += 1);
            counted.agreements += work.agreements.len();
            work.agreements.values().for_each(|agreement| agreement.check());
        }
        let counts = self.counts;
        assert!(counts == counted, "E4 broken: open work is counted as {counts:?}, and comes to {counted:?}");
    }

    /// The work of every entity, in the order of their places on the ring.
    pub(super) fn in_order(&self) -> Vec<&EntityWork> {
        #[expect(clippy::disallowed_methods, reason = "they are sorted")]
        let mut all: Vec<_> = self.of.iter().collect();
        all.sort_by(|one, other| one.of.cmp(&other.of));
        all
    }
}

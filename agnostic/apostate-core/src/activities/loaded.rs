//! Activities that are loaded, and the run that asks for them.
//!
//! A run is synchronous and stays on its thread, so what is loaded stands in a thread-local for as long as it lasts. A field that the author
//! replaces in mid-run (`*self = Self::default()`) still sees what is stored.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::limits::TX_ACTIVITIES_MAX;
use crate::{Address, EntityKey, KindId};

/// A partner as the key of its activity has it: kind (4, big-endian), then the entity's key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartnerKey(Box<[u8]>);

impl PartnerKey {
    /// The partner at `address`.
    #[must_use]
    pub fn of(address: &Address) -> Self {
        Self([&address.kind().0.to_be_bytes(), address.key().as_bytes()].concat().into())
    }

    /// The partner that these bytes name; none if they name no entity.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let partner = Self(bytes.into());
        partner.address().map(|_| partner)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The partner's kind and key.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        let (kind, key) = self.0.split_first_chunk()?;
        Some(Address::new(KindId(u32::from_be_bytes(*kind)), EntityKey::from_bytes(key).ok()?))
    }
}

impl fmt::Debug for PartnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => address.fmt(f),
            None => self.0.fmt(f),
        }
    }
}

/// A change of an activity by a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityChange {
    /// The partner.
    pub partner: PartnerKey,
    /// The encoding; none if it is the default again.
    pub value: Option<Arc<[u8]>>,
}

/// The activities of one entity that are in memory.
#[derive(Clone, Debug, Default)]
pub struct LoadedActivities {
    /// None: known to be the default.
    cells: BTreeMap<PartnerKey, Option<Arc<[u8]>>>,
    is_partial: bool,
    touched: usize,
    stop: Option<Stop>,
}

/// Why a run was stopped at an activity.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// The activity with this partner is not loaded.
    Missing(PartnerKey),
    /// A run asked for more than one may.
    TooMany,
}

/// The payload of the unwinding that stops a run.
struct Stopped;

impl LoadedActivities {
    /// None yet; there may be some that are not loaded.
    #[must_use]
    pub fn partial() -> Self {
        Self { is_partial: true, ..Self::default() }
    }

    /// Knowledge of an activity: that it is the default, or its encoding.
    #[must_use]
    pub fn get(&self, partner: &PartnerKey) -> Option<Option<&Arc<[u8]>>> {
        match self.cells.get(partner) {
            Some(value) => Some(value.as_ref()),
            None => (!self.is_partial).then_some(None),
        }
    }

    /// Takes over an activity. Gives what was known of it.
    pub fn set(&mut self, ActivityChange { partner, value }: ActivityChange) -> Option<Option<Arc<[u8]>>> {
        self.cells.insert(partner, value)
    }

    /// Forgets those of which `stays` says no: they have to be loaded again.
    pub fn evict(&mut self, mut stays: impl FnMut(&PartnerKey) -> bool) {
        self.is_partial = true;
        self.cells.retain(|partner, _| stays(partner));
    }

    /// Each that is in memory, in the order of partners; none for one that is the default.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PartnerKey, Option<&Arc<[u8]>>)> {
        self.cells.iter().map(|(partner, value)| (partner, value.as_ref()))
    }
}

/// The activities that the run under way may ask for.
#[derive(Clone, Copy)]
enum Reach {
    /// No run is under way: an author's test works on a value of its own.
    NoRun,
    /// The kind of the entity does not say that it has activities.
    Undeclared,
    /// Those in `LOADED`.
    Loaded,
}

thread_local! {
    static REACH: Cell<Reach> = const { Cell::new(Reach::NoRun) };
    static LOADED: RefCell<LoadedActivities> = RefCell::default();
}

/// Puts back what was in reach before, also when a run panics.
struct Restore(Reach);

impl Drop for Restore {
    fn drop(&mut self) {
        REACH.set(self.0);
    }
}

/// Runs `run`, which must not unwind, with `loaded` in reach. Gives its result, and where it was stopped.
pub(crate) fn run_with<R>(loaded: Option<&mut LoadedActivities>, run: impl FnOnce() -> R) -> (R, Option<Stop>) {
    let Some(loaded) = loaded else {
        let _before = Restore(REACH.replace(Reach::Undeclared));
        return (run(), None);
    };
    (loaded.touched, loaded.stop) = (0, None);
    let _before = Restore(REACH.replace(Reach::Loaded));
    LOADED.with_borrow_mut(|reached| std::mem::swap(reached, loaded));
    let result = run();
    LOADED.with_borrow_mut(|reached| std::mem::swap(reached, loaded));
    (result, loaded.stop.take())
}

/// The encoding of an activity, for the run under way; none if it is the default. Stops the run if it is not loaded.
pub(super) fn look_up(partner: &Address, key: &PartnerKey) -> Option<Arc<[u8]>> {
    let found = match REACH.get() {
        Reach::NoRun => Ok(None),
        Reach::Undeclared => Err(None),
        Reach::Loaded => LOADED.with_borrow_mut(|loaded| loaded.look_up(key)).map_err(Some),
    };
    match found {
        Ok(found) => found,
        Err(Some(Stopped)) => std::panic::resume_unwind(Box::new(Stopped)),
        Err(None) => panic!(
            "the entity has an activity with {partner:?}, and its `activities()` gives none: write the type of the field as \
             `Activities<…>`, not by another name"
        ),
    }
}

impl LoadedActivities {
    fn look_up(&mut self, key: &PartnerKey) -> Result<Option<Arc<[u8]>>, Stopped> {
        self.touched += 1;
        let stop = if self.touched > TX_ACTIVITIES_MAX {
            Stop::TooMany
        } else {
            match self.get(key) {
                Some(found) => return Ok(found.cloned()),
                None => Stop::Missing(key.clone()),
            }
        };
        // The first stop counts, whatever the handler makes of the unwinding.
        self.stop.get_or_insert(stop);
        Err(Stopped)
    }
}

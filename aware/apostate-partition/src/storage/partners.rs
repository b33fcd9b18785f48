//! Reads of the store for the list of what an entity has to do with its partners: what it remembers about each, what it has asked and waits
//! for, what is uncertain between the two, and what it will send. Blocking: for threads that may wait.
//!
//! What stands under one entity lies in several sections, and checkpoints are written while it is read. So a page is read again until no
//! checkpoint came in between: all of it is of one moment.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; over HTTP `edge/apostate-server/tests/http/partners.rs`.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use apostate_core::{Address, HandlerId, PartnerKey, TimerKey, Timestamp};
use apostate_log::{PartitionId, Store, StoreError, StoredCell};
use bytes::Bytes;

use crate::cells::activity::{self, ActivitySub};
use crate::cells::agreement::{AgreementSub, Header, Leg, LegAnswer};
use crate::cells::ask::OpenAsk;
use crate::cells::cell::{self, Section};
use crate::cells::operation::Operation;
use crate::cells::owed::Owed;
use crate::cells::state::WORD_BYTES;
use crate::cells::timer::{Timer, TimerSub};
use crate::format::DecodeError;
use crate::message::Role;
use crate::storage::list::{stored_position, unread};

/// How often a page is read before it is given up: as many checkpoints in a row would have to come while it is read.
const READS_MAX: usize = 32;

/// About how many bytes of asks and timers are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// All that an entity has to do with one partner, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPartner {
    /// The partner.
    pub partner: Address,
    /// The activity, encoded: what the entity remembers about it; none if that is the default.
    pub activity: Option<Bytes>,
    /// Asks that the partner has not answered yet, each with its number; the oldest first.
    pub asks: Vec<(u64, OpenAsk)>,
    /// Legs of agreements that the entity has proposed and that are not over; the oldest first.
    pub legs: Vec<StoredLeg>,
    /// Operations that the entity holds for the partner, each with the number of its try; the oldest first.
    pub operations: Vec<(u64, Operation)>,
    /// Answers that the entity owes the partner, which has asked; the oldest first.
    pub owed: Vec<StoredOwed>,
    /// Timers whose messages go to the partner; the next one first.
    pub timers: Vec<StoredTimer>,
}

/// An answer that an entity owes another one, as the store has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredOwed {
    /// The number of the answer.
    pub number: u64,
    /// The number of the ask, at the partner.
    pub ask: u64,
    /// The moment at which it has expired.
    pub deadline: Option<Timestamp>,
}

/// A leg of an agreement that is not over, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLeg {
    /// The id of the agreement, as its proposer knows it.
    pub agreement: u64,
    /// The number of the leg, from 0.
    pub leg: u32,
    /// The tentative handler of the partner.
    pub handler: HandlerId,
    /// The moment at which the agreement expires, if it has one of its own.
    pub deadline: Option<Timestamp>,
    /// Whether the partner has accepted; none if it has not answered.
    pub has_accepted: Option<bool>,
}

/// A timer as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTimer {
    /// The id or the name.
    pub key: TimerKey,
    /// The moment at which the message is due.
    pub due: Timestamp,
    /// The handler that its message is for; none if that is due, and waits in the inbox of the entity.
    pub handler: Option<HandlerId>,
}

/// A page of an entity's partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partners {
    /// The next ones, in the order of their kinds' ids and their keys. Empty: there are no more.
    Page(Vec<StoredPartner>),
    /// There is no such entity.
    Missing,
    /// A checkpoint came whenever the page was read: try again later.
    Busy,
}

/// Which partners.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// All behind this one.
    After(Option<&'a Address>),
    /// This one.
    Only(&'a Address),
}

/// Partners of `entity`, which lives in `partition`, about `bytes_max` of what it remembers about them.
///
/// # Errors
///
/// When the store cannot be read.
pub fn partners(
    store: &dyn Store,
    partition: PartitionId,
    entity: &Address,
    which: Which<'_>,
    bytes_max: usize,
) -> Result<Partners, StoreError> {
    for _ in 0..READS_MAX {
        let before = stored_position(store, partition)?;
        let page = read(store, entity, which, bytes_max);
        if stored_position(store, partition)? == before {
            return page;
        }
    }
    Ok(Partners::Busy)
}

fn read(store: &dyn Store, entity: &Address, which: Which<'_>, bytes_max: usize) -> Result<Partners, StoreError> {
    let state = store.get(&cell::key(Section::State, entity, &[]))?;
    if state.is_none_or(|state| state.len() <= WORD_BYTES) {
        return Ok(Partners::Missing);
    }
    let mut found: BTreeMap<PartnerKey, StoredPartner> = BTreeMap::new();
    let remembered = activities(store, entity, which, bytes_max)?;
    // Behind the last of these there may be others.
    let end = match which {
        Which::After(_) => remembered.last().map(|(partner, _)| partner.clone()),
        Which::Only(_) => None,
    };
    for (partner, activity) in remembered {
        add(&mut found, &partner)?.activity = Some(activity);
    }
    let is_wanted = |partner: &PartnerKey| match which {
        Which::Only(only) => *partner == PartnerKey::of(only),
        Which::After(after) => {
            after.is_none_or(|after| *partner > PartnerKey::of(after)) && end.as_ref().is_none_or(|end| partner <= end)
        }
    };
    for (number, ask) in asks(store, entity)? {
        let partner = PartnerKey::of(&ask.partner);
        if is_wanted(&partner) {
            add(&mut found, &partner)?.asks.push((number, ask));
        }
    }
    for (partner, leg) in legs(store, entity)? {
        let partner = PartnerKey::of(&partner);
        if is_wanted(&partner) {
            add(&mut found, &partner)?.legs.push(leg);
        }
    }
    for (proposer, number, operation) in operations(store, entity)? {
        let partner = PartnerKey::of(&proposer);
        if is_wanted(&partner) {
            add(&mut found, &partner)?.operations.push((number, operation));
        }
    }
    let timers = timers(store, entity)?;
    for (asker, owed) in owed(store, entity, &timers.overdue)? {
        let partner = PartnerKey::of(&asker);
        if is_wanted(&partner) {
            add(&mut found, &partner)?.owed.push(owed);
        }
    }
    for (to, timer) in timers.set {
        let partner = PartnerKey::of(&to);
        if is_wanted(&partner) {
            add(&mut found, &partner)?.timers.push(timer);
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.iter_mut().for_each(|partner| partner.timers.sort_by_key(|timer| timer.due));
    Ok(Partners::Page(found))
}

fn add<'a>(
    found: &'a mut BTreeMap<PartnerKey, StoredPartner>,
    partner: &PartnerKey,
) -> Result<&'a mut StoredPartner, StoreError> {
    let unnamed = || unread(partner.as_bytes(), DecodeError::Damaged, "it names no partner");
    let address = partner.address().ok_or_else(unnamed)?;
    Ok(found.entry(partner.clone()).or_insert_with(|| StoredPartner {
        partner: address,
        activity: None,
        asks: Vec::new(),
        legs: Vec::new(),
        operations: Vec::new(),
        owed: Vec::new(),
        timers: Vec::new(),
    }))
}

/// Activities of the life that the entity is in.
fn activities(
    store: &dyn Store,
    entity: &Address,
    which: Which<'_>,
    bytes_max: usize,
) -> Result<Vec<(PartnerKey, Bytes)>, StoreError> {
    let damaged = |key: &[u8], error| unread(key, error, "it is no activity");
    let life_key = ActivitySub::Life.key(entity);
    let life = match store.get(&life_key)? {
        None => 0,
        Some(value) => activity::read_life(&value).map_err(|error| damaged(&life_key, error))?,
    };
    let cells = match which {
        Which::Only(partner) => {
            let key = ActivitySub::Of(life, PartnerKey::of(partner)).key(entity);
            store.get(&key)?.map(|value| (Bytes::from(key), value)).into_iter().collect()
        }
        Which::After(after) => {
            let from = match after {
                None => cell::key(Section::Activities, entity, &life.to_be_bytes()),
                Some(after) => [&ActivitySub::Of(life, PartnerKey::of(after)).key(entity)[..], &[0]].concat(),
            };
            let to = match life.checked_add(1) {
                Some(next) => cell::key(Section::Activities, entity, &next.to_be_bytes()),
                None => cell::entity_bounds(Section::Activities, entity).1,
            };
            store.scan(&from, &to, bytes_max)?
        }
    };
    let read = |(key, value): &StoredCell| {
        let sub = cell::read_key(key).and_then(|key| ActivitySub::read(key.sub));
        let ActivitySub::Of(_, partner) = sub.map_err(|error| damaged(key, error))? else {
            return Err(damaged(key, DecodeError::Damaged));
        };
        let activity = activity::read_value(value).map_err(|error| damaged(key, error))?;
        Ok((partner, value.slice_ref(activity)))
    };
    cells.iter().map(read).collect()
}

/// Open asks of the entity, in the order of their numbers.
fn asks(store: &dyn Store, entity: &Address) -> Result<Vec<(u64, OpenAsk)>, StoreError> {
    all(store, Section::Asks, entity, |key, value| {
        let number = cell::read_key(key).and_then(|key| OpenAsk::read_number(key.sub));
        let ask = number.and_then(|number| Ok((number.get(), OpenAsk::read(value)?)));
        ask.map(Some).map_err(|error| unread(key, error, "it is no open ask"))
    })
}

/// Legs of the entity's agreements, with their partners, in the order of agreements and legs.
fn legs(store: &dyn Store, entity: &Address) -> Result<Vec<(Address, StoredLeg)>, StoreError> {
    let cells = all(store, Section::Agreements, entity, |key, value| {
        let sub = cell::read_key(key).and_then(|key| AgreementSub::read(key.sub));
        let read = sub.and_then(|(_, sub)| OfAgreement::read(sub, value));
        read.map_err(|error| unread(key, error, "it is of no agreement"))
    })?;
    let (mut header, mut found): (Option<Header>, Vec<(Address, StoredLeg)>) = (None, Vec::new());
    // A header stands before its legs, and each leg before its answer.
    for cell in cells {
        match (cell, &header, found.last_mut()) {
            (OfAgreement::Header(read), ..) => header = Some(read),
            (OfAgreement::Leg(number, leg), Some(Header { id, deadline, .. }), _) => {
                let Leg { partner, handler, is_offer_read: _, value: _ } = leg;
                let (agreement, deadline) = (id.get(), *deadline);
                found.push((partner, StoredLeg { agreement, leg: number, handler, deadline, has_accepted: None }));
            }
            (OfAgreement::Answer(has_accepted), _, Some((_, leg))) => leg.has_accepted = Some(has_accepted),
            (OfAgreement::Leg(..), None, _) | (OfAgreement::Answer(_), _, None) => {}
        }
    }
    Ok(found)
}

/// A cell of an agreement.
enum OfAgreement {
    Header(Header),
    Leg(u32, Leg),
    Answer(bool),
}

impl OfAgreement {
    fn read(sub: AgreementSub, value: &[u8]) -> Result<Option<Self>, DecodeError> {
        Ok(match sub {
            AgreementSub::Header => Some(Self::Header(Header::read(value)?)),
            AgreementSub::Leg(number) => Some(Self::Leg(number, Leg::read(value)?)),
            AgreementSub::Answer(_) => Some(Self::Answer(matches!(LegAnswer::read(value)?, LegAnswer::Accepted(_)))),
            AgreementSub::Waits => None,
        })
    }
}

/// Operations that the entity holds, with their proposers and the numbers of their tries.
fn operations(store: &dyn Store, entity: &Address) -> Result<Vec<(Address, u64, Operation)>, StoreError> {
    all(store, Section::Operations, entity, |key, value| {
        let read = || {
            let (proposer, number) = Operation::read_name(cell::read_key(key)?.sub)?;
            Ok(Some((proposer, number.get(), Operation::read(value)?)))
        };
        read().map_err(|error| unread(key, error, "it is no operation"))
    })
}

/// Answers that the entity owes to others, with those.
fn owed(
    store: &dyn Store,
    entity: &Address,
    overdue: &BTreeMap<NonZeroU64, Timestamp>,
) -> Result<Vec<(Address, StoredOwed)>, StoreError> {
    all(store, Section::Owed, entity, |key, value| {
        let read = || {
            let number = Owed::read_number(cell::read_key(key)?.sub)?;
            let Owed::Asker { ask, then: _, asker } = Owed::read(value)? else { return Ok(None) };
            let deadline = overdue.get(&number).copied();
            Ok(Some((asker, StoredOwed { number: number.get(), ask: ask.get(), deadline })))
        };
        read().map_err(|error| unread(key, error, "it is no owed answer"))
    })
}

/// Timers of an entity.
struct EntityTimers {
    /// Those that the entity has set, with their receivers. Deadlines of asks are told with those.
    set: Vec<(Address, StoredTimer)>,
    /// Deadlines of answers that are owed, by their numbers.
    overdue: BTreeMap<NonZeroU64, Timestamp>,
}

fn timers(store: &dyn Store, entity: &Address) -> Result<EntityTimers, StoreError> {
    let mut overdue = BTreeMap::new();
    let read = all(store, Section::Timers, entity, |key, value| {
        let read = || {
            let sub = TimerSub::read(cell::read_key(key)?.sub)?;
            let timer = Timer::read(entity, value)?;
            Ok((sub, timer.due(), timer.is_posted(), timer.message()))
        };
        read().map(Some).map_err(|error| unread(key, error, "it is no timer"))
    })?;
    let mut set = Vec::new();
    for (sub, due, is_posted, message) in read {
        match sub {
            TimerSub::Of(key) => {
                // One that is due is on its way to the entity itself.
                let (to, handler) = match (is_posted, message) {
                    (false, Ok(message)) => (message.to, Some(message.handler)),
                    (true, _) => (entity.clone(), None),
                    (false, Err(error)) => {
                        let key = cell::key(Section::Timers, entity, &[]);
                        return Err(unread(&key, error, "it is no timer"));
                    }
                };
                set.push((to, StoredTimer { key, due, handler }));
            }
            TimerSub::Deadline(Role::Overdue, number) => drop(overdue.insert(number, due)),
            TimerSub::Deadline(..) => {}
        }
    }
    Ok(EntityTimers { set, overdue })
}

/// All cells of an entity in a section, piece by piece, as `read` reads them.
fn all<T>(
    store: &dyn Store,
    section: Section,
    entity: &Address,
    read: impl Fn(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (mut from, to) = cell::entity_bounds(section, entity);
    let mut found = Vec::new();
    loop {
        let cells = store.scan(&from, &to, PIECE_BYTES)?;
        let Some((last, _)) = cells.last() else { return Ok(found) };
        from = [last, &[0][..]].concat();
        for (key, value) in &cells {
            found.extend(read(key, value)?);
        }
    }
}

#[cfg(test)]
mod tests;

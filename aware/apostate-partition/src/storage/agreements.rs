//! Reads of the store for the list of what is not over between entities: agreements at their proposers, tentative operations at their
//! partners, and what is kept there of those that were settled by hand. Blocking: for threads that may wait.
//!
//! The order is that of the cells' keys: agreements first, each part by kind, then in the order of the ring. A place in the list is the key
//! of a cell, which means the same however the ring is cut. The two sides of one agreement are read at different moments, in which it may have
//! come to an end at one of them.
//!
//! Over HTTP: `edge/apostate-server/tests/http/agreements.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, KindId, Timestamp};
use apostate_log::{Store, StoreError, StoredCell};

use crate::cells::agreement::{AgreementSub, Header, Leg, LegAnswer};
use crate::cells::cell::{self, Section};
use crate::cells::operation::{Operation, OperationName};
use crate::cells::settlement::{self, Settlement, SettlementSub};
use crate::format::DecodeError;
use crate::interface::ParkedEnding;
use crate::range::Range;
use crate::storage::list::{cells_from, parked_of, unread};

/// A side of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The entity that has proposed it.
    Proposer,
    /// An entity that holds something for it.
    Partner,
    /// An entity that held something for it, until that was settled by hand.
    Settled,
}

/// Something between entities that is not over, as the store has it, at one of its sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// An agreement, at its proposer.
    Agreement(StoredAgreement),
    /// A tentative operation, at its partner.
    Operation(StoredOperation),
    /// An operation that was settled by hand, at its partner.
    Settlement(StoredSettlement),
}

/// An agreement that is not over, as its proposer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAgreement {
    /// The proposer.
    pub proposer: Address,
    /// The number of the agreement; each leg has one of those behind it.
    pub number: NonZeroU64,
    /// The agreement itself.
    pub header: Header,
    /// Whether it is agreed, and waits for the ending of the try that it is on behalf of.
    pub is_waiting: bool,
    /// The legs, in their order, each with the answer of its partner. One that waits has those that have accepted.
    pub legs: Vec<AnsweredLeg>,
}

/// A leg of an agreement, with the answer of its partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredLeg {
    /// The number of the leg, from 0.
    pub number: u32,
    /// The leg.
    pub leg: Leg,
    /// The answer, if there is one.
    pub answer: Option<StoredAnswer>,
}

/// The answer of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredAnswer {
    /// The partner has accepted.
    Accepted,
    /// The partner has refused, with this refusal, encoded.
    Refused(Box<[u8]>),
}

/// A tentative operation, as its partner has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOperation {
    /// The partner: the entity that holds something.
    pub partner: Address,
    /// The proposer.
    pub proposer: Address,
    /// The number of its try.
    pub number: NonZeroU64,
    /// The operation.
    pub operation: Operation,
    /// The ending, if that is parked.
    pub parked: Option<ParkedEnding>,
}

/// An operation that was settled by hand, as its partner has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSettlement {
    /// The partner: the entity that held something.
    pub partner: Address,
    /// The proposer.
    pub proposer: Address,
    /// The number of its try.
    pub number: NonZeroU64,
    /// The settlement.
    pub settlement: Settlement,
    /// When its real ending came, if that was another one.
    pub contradicted: Option<Timestamp>,
}

impl Unfinished {
    /// The key of its cell: its place in the list.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Agreement(StoredAgreement { proposer, number, .. }) => AgreementSub::Header.key(proposer, *number),
            Self::Operation(StoredOperation { partner, proposer, number, .. }) => {
                Operation::key(partner, proposer, *number)
            }
            Self::Settlement(StoredSettlement { partner, proposer, number, .. }) => {
                SettlementSub::Settled.key(partner, proposer, *number)
            }
        }
    }
}

/// The entity that stands in a place of the list; none if that is no place in it.
#[must_use]
pub fn place_of(key: &[u8]) -> Option<(Side, Address)> {
    let cell = cell::read_key(key).ok()?;
    let side = match cell.section {
        Section::Agreements => {
            matches!(AgreementSub::read(cell.sub), Ok((_, AgreementSub::Header))).then_some(Side::Proposer)
        }
        Section::Operations => Operation::read_name(cell.sub).ok().map(|_| Side::Partner),
        Section::Settlements => {
            matches!(SettlementSub::read(cell.sub), Ok((SettlementSub::Settled, _))).then_some(Side::Settled)
        }
        _ => None,
    };
    Some((side?, cell.address))
}

/// The operation that a place of the list is about, at its partner: that, the proposer, and the number of the try. None if it is about an agreement.
#[must_use]
pub fn operation_at(key: &[u8]) -> Option<(Address, Address, NonZeroU64)> {
    let (side, partner) = place_of(key)?;
    let sub = cell::read_key(key).ok()?.sub;
    let (proposer, number) = match side {
        Side::Proposer => return None,
        Side::Partner => Operation::read_name(sub).ok()?,
        Side::Settled => SettlementSub::read(sub).ok()?.1,
    };
    Some((partner, proposer, number))
}

/// All that is not over at one side, of the entities in `ranges`, which are in the order of the ring, behind the place `after`: of one kind, or
/// of all, also of those unknown to this build; about `bytes_max` in all. Empty: there is no more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn unfinished(
    store: &dyn Store,
    side: Side,
    (ranges, kind): (&[Range], Option<KindId>),
    after: Option<&[u8]>,
    bytes_max: usize,
) -> Result<Vec<Unfinished>, StoreError> {
    let section = side.section();
    let from = match (side, after) {
        (_, None) => vec![section as u8],
        (Side::Proposer, Some(after)) => behind_agreement(after)?,
        (Side::Partner | Side::Settled, Some(after)) => [after, &[0]].concat(),
    };
    let cells_from = |from, bytes_max| cells_from(store, section, kind, ranges, from, bytes_max);
    match side {
        Side::Proposer => agreements(store, cells_from, from, bytes_max),
        Side::Partner => operations(store, &cells_from(from, bytes_max)?),
        Side::Settled => settlements(store, cells_from, from, bytes_max),
    }
}

/// The item in a place of the list, if it is not over.
///
/// # Errors
///
/// When the store cannot be read.
pub fn unfinished_at(store: &dyn Store, key: &[u8]) -> Result<Option<Unfinished>, StoreError> {
    match place_of(key) {
        None => Ok(None),
        Some((Side::Proposer, _)) => agreement(store, key).map(|found| found.map(Unfinished::Agreement)),
        Some((side, _)) => {
            let Some(value) = store.get(key)? else { return Ok(None) };
            let cell = (key.to_vec().into(), value);
            match side {
                Side::Settled => settlement(store, &cell),
                _ => Ok(operations(store, &[cell])?.pop()),
            }
        }
    }
}

impl Side {
    fn section(self) -> Section {
        match self {
            Self::Proposer => Section::Agreements,
            Self::Partner => Section::Operations,
            Self::Settled => Section::Settlements,
        }
    }
}

/// The first key behind all cells of the agreement whose header has this key.
fn behind_agreement(header: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (proposer, number, _) = agreement_cell(header)?;
    Ok(match number.checked_add(1) {
        Some(next) => AgreementSub::Header.key(&proposer, next),
        None => cell::entity_bounds(Section::Agreements, &proposer).1,
    })
}

fn agreement_cell(key: &[u8]) -> Result<(Address, NonZeroU64, AgreementSub), StoreError> {
    let read = cell::read_key(key).and_then(|cell| {
        let (number, sub) = AgreementSub::read(cell.sub)?;
        Ok((cell.address, number, sub))
    });
    read.map_err(|error| no_agreement(key, error))
}

/// Agreements from a key on.
fn agreements(
    store: &dyn Store,
    cells_from: impl Fn(Vec<u8>, usize) -> Result<Vec<StoredCell>, StoreError>,
    mut from: Vec<u8>,
    bytes_max: usize,
) -> Result<Vec<Unfinished>, StoreError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < bytes_max {
        // Each is found by its first cell, and read whole: legs are many, and none of them begins a page.
        let Some((key, _)) = cells_from(from, 1)?.into_iter().next() else { break };
        let (proposer, number, _) = agreement_cell(&key)?;
        let header = AgreementSub::Header.key(&proposer, number);
        if let Some(read) = agreement(store, &header)? {
            bytes += read.legs.iter().fold(header.len(), |bytes, leg| bytes + leg.bytes());
            found.push(Unfinished::Agreement(read));
        }
        from = behind_agreement(&header)?;
    }
    Ok(found)
}

impl AnsweredLeg {
    /// Bytes of the leg, about.
    fn bytes(&self) -> usize {
        self.leg.partner.key().as_bytes().len() + size_of::<Self>()
    }
}

/// The agreement whose header has this key, by one reading, so that it is of one moment. None if it is over.
fn agreement(store: &dyn Store, key: &[u8]) -> Result<Option<StoredAgreement>, StoreError> {
    let (proposer, number, _) = agreement_cell(key)?;
    let mut agreement: Option<StoredAgreement> = None;
    for (key, value) in store.scan(key, &behind_agreement(key)?, usize::MAX)? {
        let damaged = |error| no_agreement(&key, error);
        let (_, _, sub) = agreement_cell(&key)?;
        if sub == AgreementSub::Header {
            let header = Header::read(&value).map_err(damaged)?;
            let proposer = proposer.clone();
            agreement = Some(StoredAgreement { proposer, number, header, is_waiting: false, legs: Vec::new() });
            continue;
        }
        let StoredAgreement { legs, is_waiting, .. } =
            agreement.as_mut().ok_or_else(|| damaged(DecodeError::Damaged))?;
        match sub {
            AgreementSub::Header => unreachable!("it was read above"),
            AgreementSub::Waits => *is_waiting = true,
            AgreementSub::Leg(number) => {
                legs.push(AnsweredLeg { number, leg: Leg::read(&value).map_err(damaged)?, answer: None });
            }
            AgreementSub::Answer(number) => {
                let leg = legs.last_mut().filter(|leg| leg.number == number);
                let leg = leg.ok_or_else(|| damaged(DecodeError::Damaged))?;
                leg.answer = Some(match LegAnswer::read(&value).map_err(damaged)? {
                    LegAnswer::Accepted(_) => StoredAnswer::Accepted,
                    LegAnswer::Refused(why) => StoredAnswer::Refused(why.into()),
                });
            }
        }
    }
    Ok(agreement)
}

fn no_agreement(key: &[u8], error: DecodeError) -> StoreError {
    unread(key, error, "it is of no agreement")
}

fn operations(store: &dyn Store, cells: &[StoredCell]) -> Result<Vec<Unfinished>, StoreError> {
    let mut endings: Option<(Address, Vec<EndingOf>)> = None;
    let mut found = Vec::new();
    for (key, value) in cells {
        let read = || {
            let cell = cell::read_key(key)?;
            let (proposer, number) = Operation::read_name(cell.sub)?;
            Ok((cell.address, proposer, number, Operation::read(value)?))
        };
        let (partner, proposer, number, operation) =
            read().map_err(|error| unread(key, error, "it is no operation"))?;
        if endings.as_ref().is_none_or(|(of, _)| *of != partner) {
            endings = Some((partner.clone(), parked_endings(store, &partner)?));
        }
        let of_partner = endings.iter().flat_map(|(_, endings)| endings);
        let its = of_partner.filter(|((of, try_number), _)| (of, *try_number) == (&proposer, number));
        let parked = its.map(|(_, ending)| *ending).next();
        found.push(Unfinished::Operation(StoredOperation { partner, proposer, number, operation, parked }));
    }
    Ok(found)
}

/// An ending that is parked at its partner, and the operation that it ends.
type EndingOf = (OperationName, ParkedEnding);

fn parked_endings(store: &dyn Store, partner: &Address) -> Result<Vec<EndingOf>, StoreError> {
    let parked = parked_of(store, partner)?;
    let endings = parked.into_iter().filter_map(|stored| {
        let ending = ParkedEnding { number: stored.number, role: stored.message.role };
        Some((stored.message.ends()?, ending))
    });
    Ok(endings.collect())
}

/// Settlements from a key on. Marks of real endings stand among them, and are read with them.
fn settlements(
    store: &dyn Store,
    cells_from: impl Fn(Vec<u8>, usize) -> Result<Vec<StoredCell>, StoreError>,
    mut from: Vec<u8>,
    bytes_max: usize,
) -> Result<Vec<Unfinished>, StoreError> {
    loop {
        let cells = cells_from(from, bytes_max)?;
        let Some((last, _)) = cells.last() else { return Ok(Vec::new()) };
        let next = [last, &[0][..]].concat();
        let mut found = Vec::new();
        for cell in &cells {
            found.extend(settlement(store, cell)?);
        }
        if !found.is_empty() {
            return Ok(found);
        }
        from = next;
    }
}

fn settlement(store: &dyn Store, (key, value): &StoredCell) -> Result<Option<Unfinished>, StoreError> {
    let damaged = |error| unread(key, error, "it is no settlement");
    let cell = cell::read_key(key).map_err(damaged)?;
    let (sub, (proposer, number)) = SettlementSub::read(cell.sub).map_err(damaged)?;
    if sub == SettlementSub::Contradicted {
        return Ok(None);
    }
    let partner = cell.address;
    let mark = store.get(&SettlementSub::Contradicted.key(&partner, &proposer, number))?;
    let contradicted = mark.map(|mark| settlement::read_contradicted(&mark)).transpose().map_err(damaged)?;
    let settlement = Settlement::read(value).map_err(damaged)?;
    Ok(Some(Unfinished::Settlement(StoredSettlement { partner, proposer, number, settlement, contradicted })))
}

#[cfg(test)]
mod tests;

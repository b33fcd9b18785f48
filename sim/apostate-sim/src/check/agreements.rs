//! Agreements: at every consistent cut each operation that is open belongs to an agreement that is not decided, or its ending is on its way; and in
//! the end all have ended as their proposers were told.
//!
//! The cells are read here by other code than the partition's own where that is short.
//!
//! Invariant E4.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use apostate_core::{Address, Entity, EntityKey, KindId};
use apostate_partition::agreement::{AgreementSub, Header};
use apostate_partition::cell::{self, EntityCell, Section};
use apostate_partition::operation::Operation;
use apostate_partition::{Identity, Message, Role};
use bytes::Bytes;

use crate::check::Shadows;
use crate::check::entity::state;
use crate::check::shadow::{Shadow, outgoing_identity};
use crate::programs::dealer::Dealer;
use crate::violation::{Check, Violation, ensure};

/// An entity: its kind and its key.
type Name = (u32, EntityKey);

/// A try: its proposer, its number, its partner.
type TryName = (Name, NonZeroU64, Name);

fn name(address: &Address) -> Name {
    (address.kind().0, address.key().clone())
}

/// Ends of operations that are to come, at one moment.
#[derive(Default)]
struct Ends {
    /// Agreements that are not over: from their numbers to those of their last legs.
    agreements: BTreeMap<(Name, u64), u64>,
    /// Endings on their way.
    endings: BTreeSet<TryName>,
}

fn unread(error: impl ToString) -> Violation {
    Violation::new("P4", error.to_string())
}

fn cell(key: &Bytes) -> Result<EntityCell<'_>, Violation> {
    cell::read_key(key).map_err(unread)
}

/// The durable records of all partitions at one moment are a consistent cut, because nothing leaves a partition before it is durable there.
pub(crate) fn check(shadows: &Shadows) -> Check {
    let mut ends = Ends::default();
    for shadow in shadows.iter() {
        ends.read_agreements(shadow)?;
        ends.read_messages(shadow, shadows)?;
    }
    for shadow in shadows.iter() {
        let mut held: BTreeMap<Name, usize> = BTreeMap::new();
        for (key, value) in shadow.section(Section::Operations) {
            let EntityCell { address, sub, .. } = cell(key)?;
            let (proposer, number) = Operation::read_name(sub).map_err(unread)?;
            let operation = Operation::read(value).map_err(unread)?;
            let agreement = ends.agreements.range(..=(name(&proposer), number.get())).next_back();
            let is_undecided = agreement.is_some_and(|((of, first), last)| {
                *of == name(&proposer) && (*first + 1..=*last).contains(&number.get())
            });
            let is_ending = ends.endings.contains(&(name(&proposer), number, name(&address)));
            ensure!(
                is_undecided || is_ending,
                "E4",
                "try {number} of {proposer:?} is open at {address:?} for ever: {operation:?}"
            );
            *held.entry(name(&address)).or_default() += 1;
        }
        dealers_hold(shadow, &held)?;
        settled_are_over(shadow)?;
    }
    shadows.iter().try_for_each(lapses_belong)
}

impl Ends {
    fn read_agreements(&mut self, shadow: &Shadow) -> Check {
        for (key, value) in shadow.section(Section::Agreements) {
            let EntityCell { address, sub, .. } = cell(key)?;
            if let (number, AgreementSub::Header) = AgreementSub::read(sub).map_err(unread)? {
                let header = Header::read(value).map_err(unread)?;
                self.agreements.insert((name(&address), number.get()), number.get() + u64::from(header.legs));
            }
        }
        Ok(())
    }

    fn read_messages(&mut self, shadow: &Shadow, shadows: &Shadows) -> Check {
        for section in [Section::Inbox, Section::Outgoing, Section::Parked] {
            for (key, value) in shadow.section(section) {
                // A parked message has the time and the reason of that before it.
                let skip = if section == Section::Parked { 12 + parked_reason(value) } else { 0 };
                let (message, ..) = Message::read(value.get(skip..).unwrap_or(&[])).map_err(unread)?;
                if section == Section::Outgoing {
                    let Identity { origin, number } = outgoing_identity(cell(key)?.sub)?;
                    let source = message.from.as_ref().map_or(0, |from| from.hash());
                    if number <= shadows.applied(origin, source, &message.to) {
                        continue;
                    }
                }
                self.note(message);
            }
        }
        Ok(())
    }

    fn note(&mut self, message: Message) {
        let Message { to, from: Some(from), role, about: Some(about), body, .. } = message else { return };
        match role {
            Role::Confirm | Role::Cancel => {
                self.endings.insert((name(&from), about, name(&to)));
            }
            Role::Lapse => {
                // The body names the proposer: four bytes of its kind, and its key.
                let kind = body.first_chunk().map_or(0, |kind| u32::from_le_bytes(*kind));
                if let Ok(key) = EntityKey::from_bytes(body.get(4..).unwrap_or(&[])) {
                    self.endings.insert(((kind, key), about, name(&to)));
                }
            }
            _ => {}
        }
    }
}

/// The message in a cell of a parked one.
pub(crate) fn parked_message(parked: &[u8]) -> Option<Message> {
    let message = Message::read(parked.get(12 + parked_reason(parked)..).unwrap_or(&[]));
    message.ok().map(|(message, ..)| message)
}

/// Whether a parked message ends an operation.
pub(crate) fn ends_operation(parked: &[u8]) -> bool {
    parked_message(parked).is_some_and(|message| message.role.ends_operation())
}

/// Neither is an operation open that was settled by hand.
fn settled_are_over(shadow: &Shadow) -> Check {
    for (key, _) in shadow.section(Section::Settlements) {
        let EntityCell { address, sub, .. } = cell(key)?;
        let operation = cell::key(Section::Operations, &address, sub.get(1..).unwrap_or(&[]));
        ensure!(!shadow.cells.contains_key(&operation[..]), "E4", "{address:?} holds what was settled: {sub:?}");
    }
    Ok(())
}

/// The key of the mark that an operation has had another ending than it was settled by.
fn contradiction(operation: &Bytes) -> Option<Vec<u8>> {
    let EntityCell { address, sub, .. } = cell::read_key(operation).ok()?;
    Some(cell::key(Section::Settlements, &address, &[&[1], sub].concat()))
}

/// Bytes of the reason of a parked message.
fn parked_reason(value: &[u8]) -> usize {
    value
        .get(8..11)
        .map_or(0, |length| usize::from(length[0]) | usize::from(length[1]) << 8 | usize::from(length[2]) << 16)
}

/// The author's code holds exactly what the platform holds for it: both stand in one record.
fn dealers_hold(shadow: &Shadow, held: &BTreeMap<Name, usize>) -> Check {
    for (key, value) in shadow.section(Section::State) {
        let address = cell(key)?.address;
        if address.kind() == KindId::of(Dealer::NAME) {
            let dealer: Dealer = state(value)?;
            let (own, platform) = (dealer.held.len(), held.get(&name(&address)).copied().unwrap_or(0));
            ensure!(own == platform, "E4", "{address:?} holds {own}, and has {platform} operations open: {dealer:?}");
        }
    }
    Ok(())
}

/// A timer of a lapse belongs to an operation that is open.
fn lapses_belong(shadow: &Shadow) -> Check {
    let mut lapses = BTreeSet::new();
    for (key, value) in shadow.section(Section::Operations) {
        if let Some(lapse) = Operation::read(value).map_err(unread)?.lapse {
            lapses.insert((name(&cell(key)?.address), lapse.get()));
        }
    }
    for (key, _) in shadow.section(Section::Timers) {
        let EntityCell { address, sub, .. } = cell(key)?;
        if let [2, role, number @ ..] = sub
            && *role == Role::Lapse as u8
        {
            let number =
                number.try_into().map(u64::from_be_bytes).map_err(|_| Violation::new("P4", "the key of a lapse"))?;
            ensure!(
                lapses.contains(&(name(&address), number)),
                "E4",
                "{address:?} has a lapse of nothing that it holds"
            );
        }
    }
    Ok(())
}

/// At rest: what proposers were told, and what partners did. Where an operator has settled something otherwise, that is kept in mind.
pub(crate) fn check_all(
    dealers: &BTreeMap<String, Dealer>,
    settled: &BTreeMap<u64, Bytes>,
    shadows: &Shadows,
) -> Check {
    let marks: BTreeSet<&Bytes> =
        shadows.iter().flat_map(|shadow| shadow.section(Section::Settlements)).map(|(key, _)| key).collect();
    let is_contradicted = |tag: &u64| {
        let mark = settled.get(tag).and_then(contradiction);
        mark.is_some_and(|mark| marks.contains(&Bytes::from(mark)))
    };
    let gone: BTreeSet<u64> = dealers.values().flat_map(|dealer| dealer.gone.iter().copied()).collect();
    let mut asked: BTreeSet<u64> = BTreeSet::new();
    for (key, dealer) in dealers {
        ensure!(dealer.open.is_empty(), "E4", "dealer {key} is told of no outcome for ever: {:?}", dealer.open);
        ensure!(dealer.held.is_empty(), "E4", "dealer {key} holds for ever: {:?}", dealer.held);
        let told = dealer.told.iter().find(|(tag, is_gone)| {
            gone.contains(tag) != **is_gone && !(**is_gone && dealer.lapsed.contains(tag)) && !is_contradicted(tag)
        });
        ensure!(told.is_none(), "E4", "dealer {key} was told something else of {told:?} than its partner did");
        let above = dealer.below.iter().filter(|(tag, _)| !is_contradicted(tag)).find(|(tag, below)| {
            let mut all = below.iter().filter(|tag| !is_contradicted(tag)).map(|tag| gone.contains(tag));
            if dealer.gone.contains(tag) { !all.all(|is_gone| is_gone) } else { all.any(|is_gone| is_gone) }
        });
        ensure!(above.is_none(), "E4", "dealer {key} ended {above:?} otherwise than its partners did");
        asked.extend(dealer.told.keys().chain(dealer.below.values().flatten()));
    }
    let stray = gone.difference(&asked).next();
    ensure!(stray.is_none(), "E4", "a unit is gone for {stray:?}, which nobody asked for");
    Ok(())
}

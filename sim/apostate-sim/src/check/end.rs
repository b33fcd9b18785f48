//! The checks at the end, when all is healed and quiescent.
//!
//! Invariant E1, the other half: every message was applied. Nothing is reserved, nothing is on its way. And
//! invariant P5: what the entities hold is what one plain loop over the same requests would give, wherever they live.

use std::collections::BTreeMap;

use apostate_core::{Entity, KindId, decode};
use apostate_partition::cell::{self, Section};
use apostate_partition::{Answer, RequestKind};

use crate::check::entity::{state, whole};
use crate::check::linear::{self, Action, Operation};
use crate::check::{Shadows, agreements, asks, money, owed, stored};
use crate::engine::{Disk, lock};
use crate::operator;
use crate::outside::{Outcome, Purpose};
use crate::programs::alarm::Alarm;
use crate::programs::asker::Asker;
use crate::programs::broker::Broker;
use crate::programs::dealer::Dealer;
use crate::programs::flaky::Flaky;
use crate::programs::post::Post;
use crate::programs::register::Register;
use crate::programs::shop::{FIRST_STOCK, Order, Stock};
use crate::programs::sink::Sink;
use crate::violation::{Check, Violation, ensure};
use crate::world::World;

pub(crate) fn check(world: &mut World) -> Check {
    nothing_waits(&world.shadows)?;
    money::check(&world.shadows)?;
    posts(&world.shadows)?;
    shop(&world.shadows)?;
    flaky(&world.shadows)?;
    asks::check_all(&all::<Asker>(&world.shadows)?)?;
    agreements::check(&world.shadows)?;
    agreements::check_all(&all::<Dealer>(&world.shadows)?, &world.operator.settled, &world.shadows)?;
    owed::check_all(&all::<Broker>(&world.shadows)?, &world.ops)?;
    world.shadows.iter().try_for_each(|shadow| operator::check_dismissed(&world.operator, shadow))?;
    timers(&world.shadows)?;
    streams(world)?;
    histories(world)?;
    stores(world)
}

fn nothing_waits(shadows: &Shadows) -> Check {
    for shadow in shadows.iter() {
        let open_work = [Section::Asks, Section::Agreements, Section::Operations, Section::Owed];
        for section in [Section::Inbox, Section::Outgoing, Section::Parked].into_iter().chain(open_work) {
            let count = shadow.section(section).count();
            ensure!(count == 0, "E1", "partition {} has {count} cells of {section:?} in the end", shadow.id);
        }
        // What was settled by hand is kept if its real ending was another one, and only then.
        let count = |tag| {
            let is_tagged = |key: &[u8]| cell::read_key(key).is_ok_and(|cell| cell.sub.first() == Some(&tag));
            shadow.section(Section::Settlements).filter(|(key, _)| is_tagged(key)).count()
        };
        let (kept, contradicted) = (count(0), count(1));
        ensure!(
            kept == contradicted,
            "E4",
            "partition {} keeps {kept} settlements in the end, of which {contradicted} had another ending",
            shadow.id
        );
    }
    Ok(())
}

/// Every entity of a kind, by its key.
fn all<E: Entity>(shadows: &Shadows) -> Result<BTreeMap<String, E>, Violation> {
    let mut entities = BTreeMap::new();
    for shadow in shadows.iter() {
        for (key, value) in shadow.section(Section::State) {
            let cell = cell::read_key(key).map_err(|error| Violation::new("P4", error.to_string()))?;
            let is_deleted = value.len() == 8;
            if cell.address.kind() == KindId::of(E::NAME) && !is_deleted {
                entities.insert(cell.address.key().to_string(), state(value)?);
            }
        }
    }
    Ok(entities)
}

fn posts(shadows: &Shadows) -> Check {
    let posts = all::<Post>(shadows)?;
    for (from, sender) in &posts {
        for (to, sent) in &sender.sent {
            let own: u16 = from.parse().map_err(|_| Violation::new("P4", "a post's key"))?;
            let got = posts.get(&to.to_string()).and_then(|receiver| receiver.got.get(&own)).copied().unwrap_or(0);
            ensure!(got == *sent, "E1", "post {from} has sent {sent} parcels to post {to}, which has got {got}");
        }
    }
    Ok(())
}

fn shop(shadows: &Shadows) -> Check {
    let mut sold: BTreeMap<u16, u32> = BTreeMap::new();
    for (key, order) in all::<Order>(shadows)? {
        ensure!(order.decided, "E1", "order {key} waits for an answer for ever: {order:?}");
        if order.lines.iter().all(|line| line.answer == Some(true)) {
            for line in order.lines {
                *sold.entry(line.product).or_default() += line.units;
            }
        }
    }
    for (key, stock) in all::<Stock>(shadows)? {
        let Stock { on_hand, reserved, sold: own, .. } = stock;
        ensure!(reserved == 0, "E1", "stock {key} still has {reserved} reserved");
        ensure!(on_hand + own == FIRST_STOCK, "E1", "stock {key} has {on_hand} and sold {own}");
        let orders = key.parse().ok().and_then(|product| sold.get(&product).copied()).unwrap_or(0);
        ensure!(orders == own, "E1", "stock {key} has sold {own}, its orders say {orders}");
    }
    Ok(())
}

fn flaky(shadows: &Shadows) -> Check {
    let flaky = all::<Flaky>(shadows)?;
    let sent: u64 = flaky.values().map(|flaky| flaky.sent).sum();
    let got: u64 = flaky.values().map(|flaky| flaky.got).sum();
    // Whoever dismisses a poke spares its receiver the pat as well.
    let is_flaky =
        |key: &&bytes::Bytes| cell::read_key(key).is_ok_and(|cell| cell.address.kind() == KindId::of(Flaky::NAME));
    let dismissed = shadows.iter().flat_map(|shadow| shadow.dismissed.keys()).filter(is_flaky).count() as u64;
    ensure!(
        sent == got + dismissed,
        "E1",
        "{sent} pokes and pats were sent, {got} have come, {dismissed} were dismissed"
    );
    Ok(())
}

/// In the end every timer has come.
fn timers(shadows: &Shadows) -> Check {
    let (mut sent, mut heard) = (0, 0);
    for shadow in shadows.iter() {
        let count = shadow.section(Section::Timers).count();
        ensure!(count == 0, "E1", "partition {} has {count} timers in the end", shadow.id);
        for (key, value) in shadow.section(Section::State) {
            let cell = cell::read_key(key).map_err(|error| Violation::new("P4", error.to_string()))?;
            if cell.address.kind() == KindId::of(Alarm::NAME) && value.len() > 8 {
                let alarm: Alarm = state(value)?;
                sent += alarm.sent;
                heard += alarm.heard.len() as u64;
            }
        }
    }
    ensure!(sent == heard, "E1", "{sent} timers for others were set, and {heard} have come");
    Ok(())
}

/// Every number of every producer has come, once; or perhaps not, if its producer was forgotten before it was answered.
fn streams(world: &World) -> Check {
    let sinks = all::<Sink>(&world.shadows)?;
    for (producer, stream) in world.streams.iter().enumerate() {
        for (key, sink) in &sinks {
            let mine = |item: &&(apostate_core::Address, _, _)| item.0.key().as_str() == key;
            let expected = stream.items.iter().filter(mine).count() as u64;
            let uncertain = stream.lanes.iter().flat_map(|lane| &lane.uncertain);
            let uncertain = uncertain.map(|number| &stream.items[*number as usize - 1]).filter(mine).count() as u64;
            let got = sink.counts.get(&(producer as u16)).copied().unwrap_or(0);
            ensure!(
                (expected - uncertain..=expected).contains(&got),
                "E1",
                "producer {producer} has sent {expected} to sink {key}, {uncertain} of them with unknown outcome; it has {got}"
            );
        }
    }
    Ok(())
}

/// The history of each register, as clients saw it.
fn histories(world: &World) -> Check {
    let mut histories: BTreeMap<u64, Vec<Operation>> = BTreeMap::new();
    for op in &world.ops {
        let sum = |reply: &[u8]| decode::<u64>(reply).map_err(|error| Violation::new("answers", error.to_string()));
        let seen = match (op.purpose, &op.outcome) {
            (Purpose::Add(_, tag), Outcome::Known(at, Answer::Done { reply, .. })) => Some(Operation {
                asked: op.issued,
                answered: Some(*at),
                what: Action::Add { tag, sum: Some(sum(reply)?) },
            }),
            (Purpose::Add(_, tag), Outcome::Unknown) if tag % 7 != 6 => {
                Some(Operation { asked: op.issued, answered: None, what: Action::Add { tag, sum: None } })
            }
            (Purpose::Sum(_), Outcome::Known(at, Answer::Done { reply, .. })) => {
                let sum = match op.request_kind {
                    RequestKind::State => whole::<Register>(reply)?.sum,
                    _ => sum(reply)?,
                };
                Some(Operation { asked: op.issued, answered: Some(*at), what: Action::Read { sum } })
            }
            _ => None,
        };
        if let (Purpose::Add(register, _) | Purpose::Sum(register), Some(seen)) = (op.purpose, seen) {
            histories.entry(register).or_default().push(seen);
        }
        // A clock that is wrong makes a key look too old, where that says when it was made.
        let may_give_up = world.plan.forgets_soon() || op.makes_key;
        let is_kept = matches!(op.request_kind, RequestKind::Call { key: Some(_) }) && !may_give_up;
        ensure!(!is_kept || op.outcome != Outcome::Unknown, "keys", "a client with a key has given up");
    }
    histories.values().try_for_each(|history| linear::check(history))
}

/// Invariant P4: from its first record on, and from its store and what is left of its log, a partition is the same.
fn stores(world: &mut World) -> Check {
    world.check_cells()?;
    for node in 0..world.nodes.len() {
        for id in world.nodes[node].partitions.clone() {
            let store = world.nodes[node].store.clone();
            let copy = lock(world.disk(id)).copy();
            let config = world.config(id);
            stored::replay(&world.shadows, config, &store, copy, &|_| None)?;
            let config = world.config(id);
            let archived = |id| Some(Disk::of(id, &world.logs.get(&id)?.archive));
            let whole = archived(id).expect("a log for each partition");
            stored::replay(&world.shadows, config, &apostate_log::MemoryStore::new(), whole, &archived)?;
        }
    }
    Ok(())
}

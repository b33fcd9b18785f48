//! Money is conserved at every moment: what is in accounts, and what is on its way between them.
//!
//! The durable records of all partitions at one moment are a consistent cut, because nothing leaves a partition
//! before it is durable there. On its way is what is in an outbox and above the watermark of its receiver,
//! what is in an inbox, and what is parked.
//!
//! Invariants E1, E2.

use std::collections::BTreeMap;

use apostate_core::{Entity, EntityKey, HandlerId, KindId, decode};
use apostate_partition::Message;
use apostate_partition::cell::{self, Section};
use serde::Deserialize;

use crate::check::Shadows;
use crate::check::entity::state;
use crate::check::shadow::{Shadow, outgoing_identity};
use crate::programs::bank::{Account, FIRST_BALANCE};
use crate::violation::{Check, Violation, ensure};

#[derive(Deserialize)]
struct Credit {
    amount: i64,
}

fn credit(message: &Message) -> Result<i64, Violation> {
    let is_credit = message.to.kind() == KindId::of(Account::NAME) && message.handler == HandlerId::of("credit");
    if !is_credit {
        return Ok(0);
    }
    let Credit { amount } = decode(&message.body).map_err(|error| Violation::new("P4", error.to_string()))?;
    Ok(amount)
}

fn read(value: &[u8]) -> Result<Message, Violation> {
    let (message, _, _) = Message::read(value).map_err(|error| Violation::new("P4", error.to_string()))?;
    Ok(message)
}

pub(crate) fn check(shadows: &Shadows) -> Check {
    let mut balance = 0;
    for shadow in shadows.iter() {
        balance += in_accounts(shadow)? + on_its_way(shadow, shadows)?;
    }
    ensure!(balance == 0, "E1", "{balance} of money was made or lost");
    Ok(())
}

fn in_accounts(shadow: &Shadow) -> Result<i64, Violation> {
    let mut sum = 0;
    let dealings = dealings(shadow)?;
    for (key, value) in shadow.section(Section::State) {
        let cell = cell::read_key(key).map_err(|error| Violation::new("P4", error.to_string()))?;
        if cell.address.kind() == KindId::of(Account::NAME) {
            let gained = state::<Account>(value)?.balance - FIRST_BALANCE;
            let remembered = dealings.get(cell.address.key()).copied().unwrap_or(0);
            ensure!(
                gained == remembered,
                "E2",
                "account {} has gained {gained}, and remembers {remembered} of its partners",
                cell.address.key()
            );
            sum += gained;
        }
    }
    Ok(sum)
}

/// The sum of what each account remembers about its partners. No account is deleted, so all have one life.
fn dealings(shadow: &Shadow) -> Result<BTreeMap<EntityKey, i64>, Violation> {
    let damaged = |error: String| Violation::new("P4", error);
    let mut sums = BTreeMap::new();
    for (key, value) in shadow.section(Section::Activities) {
        let cell = cell::read_key(key).map_err(|error| damaged(error.to_string()))?;
        if cell.sub.is_empty() {
            // The name of the life.
            continue;
        }
        // The first byte is the layout.
        let amount = decode::<i64>(&value[1..]).map_err(|error| damaged(error.to_string()))?;
        ensure!(amount != 0, "E2", "an activity of {:?} is the default, and stored", cell.address);
        *sums.entry(cell.address.key().clone()).or_default() += amount;
    }
    Ok(sums)
}

fn on_its_way(shadow: &Shadow, shadows: &Shadows) -> Result<i64, Violation> {
    let mut sum = 0;
    for (_, value) in shadow.section(Section::Inbox) {
        sum += credit(&read(value)?)?;
    }
    for (key, value) in shadow.section(Section::Outgoing) {
        let identity = cell::read_key(key).map(|cell| outgoing_identity(cell.sub));
        let identity = identity.map_err(|error| Violation::new("P4", error.to_string()))??;
        let message = read(value)?;
        let source = message.from.as_ref().map_or(0, |from| from.hash());
        if identity.number > shadows.applied(identity.origin, source, &message.to) {
            sum += credit(&message)?;
        }
    }
    Ok(sum)
}

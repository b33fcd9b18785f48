//! `entity-memory`: what an entity in memory costs beyond its state.
//!
//! One partition with neither disk nor other threads, as in `step`, makes many entities; then all of them are in the store, so that nothing
//! is in memory for the next checkpoint's sake. What the process has more is their cost: their bytes as they are stored, their live
//! values, and what the partition needs to find and keep them.

use apostate_core::encode;
use apostate_partition::RequestKind;
use serde_json::json;

use crate::arguments::EntityMemoryArguments;
use crate::bank::{Account, Bank};
use crate::failure::{Failure, check};
use crate::machine;
use crate::report::Report;
use crate::step::Alone;

/// Calls that are handed over at a time.
const CALLS: u64 = 512;

/// Bytes of a state's cell before the state.
const WORD_BYTES: usize = 8;

/// Makes `arguments.entities` accounts.
pub(crate) fn run(arguments: &EntityMemoryArguments) -> Result<Report, Failure> {
    let &EntityMemoryArguments { entities } = arguments;
    let mut report = Report::new("entity-memory", json!({ "entities": entities }));
    let cpu = machine::cpu_seconds();
    let mut alone = Alone::open::<Bank>(1)?;
    // Half of them first: what they leave behind for the next checkpoint and for each batch is used again by the others.
    let half = (entities / 2).next_multiple_of(CALLS);
    deposit(&mut alone, 0..half)?;
    let before = resident()?;
    deposit(&mut alone, half..2 * half)?;
    let after = resident()?;

    let resident = alone.partition.status().entities as u64;
    check(resident == 2 * half, || format!("{resident} entities are in memory"))?;
    let (state, live) = ((WORD_BYTES + encode(&Account::with_deposit(1)).len()) as f64, size_of::<Account>() as f64);
    let all = after.saturating_sub(before) as f64 / half as f64;
    report.set_rounded("bytes_per_entity", all - state - live);
    report.set_rounded("bytes_per_entity_with_state", all);
    report.set_rounded("state_bytes", state);
    report.set_rounded("live_bytes", live);
    report.set_rounded("cpu_seconds", machine::cpu_seconds() - cpu);
    report.set("peak_memory_bytes", machine::peak_memory_bytes());
    Ok(report)
}

fn deposit(alone: &mut Alone, accounts: std::ops::Range<u64>) -> Result<(), Failure> {
    for account in accounts {
        alone.ask(1, Account::at(account).deposit(1), RequestKind::Call { key: None })?;
        if account % CALLS == CALLS - 1 {
            alone.turn()?;
        }
    }
    alone.checkpoint()
}

fn resident() -> Result<u64, Failure> {
    machine::resident_bytes().ok_or_else(|| Failure::Wrong("the system does not tell how much is resident".to_owned()))
}

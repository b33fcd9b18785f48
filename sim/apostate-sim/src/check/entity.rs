//! A durable state, held against the transactions that were applied to it.
//!
//! Invariant E3: what one run changes is kept whole or taken back whole: the count that the entity keeps and the
//! version that the platform keeps rise by one number, and a version never goes back, over deletions neither. Invariants E1 and E6: no post has seen a message twice or early.

use apostate_core::{Address, Entity, KindId, decode_state};
use bytes::Bytes;

use crate::check::shadow::{Changed, version_of};
use crate::programs::{
    alarm::Alarm,
    asker::Asker,
    bank::Account,
    broker::Broker,
    dealer::{Dealer, FIRST_UNITS},
    flaky::Flaky,
    mayfly::Mayfly,
    post::Post,
    register::Register,
    shop::Order,
    shop::Stock,
    sink::Sink,
};
use crate::violation::{Violation, ensure};

/// Reads the state in a cell.
pub(crate) fn state<E: Entity>(cell: &[u8]) -> Result<E, Violation> {
    whole(&cell[8..])
}

/// Reads a state as it is shown.
pub(crate) fn whole<E: Entity>(state: &[u8]) -> Result<E, Violation> {
    decode_state(state).map_err(|error| Violation::new("P4", format!("a state of {}: {error}", E::NAME)))
}

/// A state has become durable, or its deletion, by a record before which no deleted entity had a version above `deleted_before`, and after
/// which none has one above `deleted`. Gives the number of transactions.
pub(crate) fn check(change: &Changed, deleted_before: u64, deleted: u64) -> Result<u64, Violation> {
    let Changed { address, before, after, .. } = change;
    let last = before.as_ref().map_or(deleted_before, |before| version_of(before));
    let Some(after) = after else {
        // One that never was may have begun and ended in one batch.
        ensure!(deleted > last, "E3", "{address:?} is deleted with version {last}, of the deleted {deleted} is known");
        return Ok(deleted - last);
    };
    let version = version_of(after);
    // A refusal may be remembered without a change.
    let is_same = before.as_ref().is_some_and(|before| before[8..] == after[8..]);
    ensure!(version > last || version == last && is_same, "E3", "{address:?} goes from version {last} to {version}");
    let counted = applied(address, after)?;
    let begun = match before {
        Some(before) => last - applied(address, before)?,
        None => deleted_before,
    };
    // It may have ended and begun anew within the batch.
    let is_mortal =
        [Mayfly::NAME, Alarm::NAME, Asker::NAME, Broker::NAME].iter().any(|name| address.kind() == KindId::of(name));
    let is_new = is_mortal && version - counted > begun;
    ensure!(
        is_new || version - counted == begun,
        "E3",
        "{address:?} has counted {counted} transactions since version {begun}, its version is {version}"
    );
    Ok(version - last)
}

/// Transactions that a state counts.
fn applied(address: &Address, cell: &Bytes) -> Result<u64, Violation> {
    let kind = address.kind();
    let of = |name| kind == KindId::of(name);
    Ok(if of(Post::NAME) {
        let post: Post = state(cell)?;
        ensure!(post.doubled == 0, "E1", "{address:?} has applied a message twice: {post:?}");
        ensure!(post.overtook == 0, "E6", "{address:?} has applied a message early: {post:?}");
        post.applied
    } else if of(Account::NAME) {
        let account: Account = state(cell)?;
        ensure!(account.balance >= 0, "E3", "{address:?} is overdrawn: {account:?}");
        account.applied
    } else if of(Sink::NAME) {
        let sink: Sink = state(cell)?;
        ensure!(sink.disordered == 0, "E1", "{address:?} has taken a number again, or early: {sink:?}");
        sink.applied
    } else if of(Register::NAME) {
        let register: Register = state(cell)?;
        ensure!(register.doubled == 0, "E1", "{address:?} has added a tag twice: {register:?}");
        register.applied
    } else if of(Order::NAME) {
        state::<Order>(cell)?.applied
    } else if of(Stock::NAME) {
        state::<Stock>(cell)?.applied
    } else if of(Mayfly::NAME) {
        state::<Mayfly>(cell)?.applied
    } else if of(Alarm::NAME) {
        let alarm: Alarm = state(cell)?;
        ensure!(alarm.wrong.is_empty(), "timers", "{address:?}: {:?}", alarm.wrong);
        alarm.applied
    } else if of(Dealer::NAME) {
        let dealer: Dealer = state(cell)?;
        ensure!(dealer.wrong.is_empty(), "E4", "{address:?}: {:?}", dealer.wrong);
        let units = dealer.held.len() + dealer.gone.len();
        ensure!(units <= FIRST_UNITS, "E4", "{address:?} has promised {units} units of {FIRST_UNITS}");
        dealer.applied
    } else if of(Asker::NAME) {
        let asker: Asker = state(cell)?;
        ensure!(asker.doubled == 0, "E1", "{address:?} was asked twice: {asker:?}");
        ensure!(asker.strange == 0, "E1", "{address:?} has taken an answer to no question: {asker:?}");
        ensure!(asker.early == 0, "time", "{address:?} has taken a question for expired early: {asker:?}");
        asker.applied
    } else if of(Broker::NAME) {
        let broker: Broker = state(cell)?;
        ensure!(broker.doubled == 0, "E1", "{address:?} was given a commission twice: {broker:?}");
        ensure!(
            broker.strange == 0,
            "E1",
            "{address:?} has answered twice, or was answered what it did not order: {broker:?}"
        );
        ensure!(broker.early == 0, "time", "{address:?} has answered in time, and too late: {broker:?}");
        broker.applied
    } else {
        state::<Flaky>(cell)?.applied
    })
}

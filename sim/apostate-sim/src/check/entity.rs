//! A durable state, held against the transactions that were applied to it.
//!
//! Invariant E3: what one run changes is kept whole or taken back whole: the count that the entity keeps and the
//! version that the platform keeps are one number. Invariants E1 and E6: no post has seen a message twice or early.

use apostate_core::{Address, Entity, KindId, decode_state};
use bytes::Bytes;

use crate::check::shadow::version_of;
use crate::programs::{
    bank::Account, flaky::Flaky, post::Post, register::Register, shop::Order, shop::Stock, sink::Sink,
};
use crate::violation::{Check, Violation, ensure};

/// Reads the state in a cell.
pub(crate) fn state<E: Entity>(cell: &[u8]) -> Result<E, Violation> {
    whole(&cell[8..])
}

/// Reads a state as it is shown.
pub(crate) fn whole<E: Entity>(state: &[u8]) -> Result<E, Violation> {
    decode_state(state).map_err(|error| Violation::new("P4", format!("a state of {}: {error}", E::NAME)))
}

/// A state has become durable.
pub(crate) fn check(address: &Address, before: Option<&Bytes>, after: &Bytes) -> Check {
    let version = version_of(after);
    let last = before.map_or(0, |before| version_of(before));
    // A refusal may be remembered without a change.
    let is_same = before.map_or(&[][..], |before| &before[8..]) == &after[8..];
    ensure!(version > last || version == last && is_same, "E3", "{address:?} goes from version {last} to {version}");
    if after.len() == 8 {
        return Ok(());
    }
    let kind = address.kind();
    let of = |name| kind == KindId::of(name);
    let applied = if of(Post::NAME) {
        let post: Post = state(after)?;
        ensure!(post.doubled == 0, "E1", "{address:?} has applied a message twice: {post:?}");
        let was = || before.map(|before| state::<Post>(before));
        ensure!(post.overtook == 0, "E6", "{address:?} has applied a message early: {:?}, then {post:?}", was());
        post.applied
    } else if of(Account::NAME) {
        let account: Account = state(after)?;
        ensure!(account.balance >= 0, "E3", "{address:?} is overdrawn: {account:?}");
        account.applied
    } else if of(Sink::NAME) {
        let sink: Sink = state(after)?;
        ensure!(sink.disordered == 0, "E1", "{address:?} has taken a number again, or early: {sink:?}");
        sink.applied
    } else if of(Register::NAME) {
        let register: Register = state(after)?;
        ensure!(register.doubled == 0, "E1", "{address:?} has added a tag twice: {register:?}");
        register.applied
    } else if of(Order::NAME) {
        state::<Order>(after)?.applied
    } else if of(Stock::NAME) {
        state::<Stock>(after)?.applied
    } else {
        state::<Flaky>(after)?.applied
    };
    ensure!(applied == version, "E3", "{address:?} has counted {applied} transactions, its version is {version}");
    Ok(())
}

//! The programs that run in the simulated world: small entities, each with an oracle that knows what must come out.
//!
//! Every entity counts the transactions that have changed it in `applied`, and the platform counts them in its
//! version: a run that was taken back in part, or applied twice, makes the two differ by something else than before.

pub(crate) mod alarm;
pub(crate) mod asker;
pub(crate) mod bank;
pub(crate) mod broker;
pub(crate) mod dealer;
pub(crate) mod flaky;
pub(crate) mod mayfly;
pub(crate) mod post;
pub(crate) mod register;
pub(crate) mod shop;
pub(crate) mod sink;

use apostate_core::{Entities, Registry};

/// Every kind.
pub(crate) type Programs = (
    alarm::Alarm,
    bank::Account,
    post::Post,
    shop::Order,
    shop::Stock,
    flaky::Flaky,
    mayfly::Mayfly,
    register::Register,
    sink::Sink,
    asker::Asker,
    dealer::Dealer,
    broker::Broker,
);

/// The registry of every kind.
pub(crate) fn registry() -> Registry {
    Programs::registry().expect("the names of the simulated kinds do not collide")
}

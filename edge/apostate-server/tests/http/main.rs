//! Journeys over real sockets: what a client of a node sees, one behaviour a file.

#![allow(unreachable_pub, reason = "the modules of one test see each other")]

#[path = "../common/damage.rs"]
mod damage;
mod support;

mod agreements;
mod broken;
mod calls;
mod client_keys;
mod clocks;
mod codes;
mod connections;
mod cors;
mod deadlines;
mod described;
mod hanging;
mod hostile;
mod keys;
mod later;
mod lists;
mod messages;
mod missing_kinds;
mod operators;
mod overload;
mod partners;
mod reads;
mod states;
mod stopping;
mod timeouts;
mod tls;
mod tokens;
mod upgrades;

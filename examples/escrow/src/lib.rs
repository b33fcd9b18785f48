//! The sale of a house, the paper's own example of how several parties agree without a distributed transaction.
//!
//! Everyone has an agreement of trust with one escrow company, and none with each other. Nobody knows the outcome until the escrow
//! closes; until then all of them live with the uncertainty, and the escrow alone decides.
//!
//! ```text
//!              sign            ┌────────┐  promise  ┌───────┐
//!   buyer  ─────────▶          │        │ ────────▶ │ House │◀──┐   First all sign, each when they like, before a deadline.
//!   seller ─────────▶          │ Escrow │           └───────┘   │   Then the escrow proposes: each does its part so that it
//!   lender ─────────▶          │        │  deposit  ┌───────┐   │   can be taken back. All parts are confirmed, or none is.
//!                              │        │ ────────▶ │ buyer │   │
//!                              │        │  expect   ├───────┤   │   The lender lends only against the house: on behalf of
//!                              │        │ ────────▶ │ seller│   │   what it was asked, it asks the house to secure the loan.
//!                              │        │  lend     └───────┘   │
//!                              │        │ ────────▶ Lender ─────┘
//!                              └────────┘             secure
//! ```
//!
//! What is uncertain can be read at everyone at any time: a house is [promised](House::promised_to), a lender has
//! [promised](Lender::promised) money, and a [`Person`] has a [`Stake`] in each escrow that is undecided.
//!
//! Four kinds of entities, and nothing else; the package depends on `apostate` alone. Its `main` is another one, `escrow-node`.
//! Reading order: [`Escrow`]; then those that it asks: [`Person`], [`House`], [`Lender`].
//!
//! Paper: *Activities: managing state for each partner* (tentative operations), *uncertainty at a distance*.

mod escrow;
mod house;
mod lender;
mod person;

pub use crate::escrow::{Escrow, EscrowRef, Party, Status, Terms};
pub use crate::house::{Deed, House, HouseRef, Mortgage};
pub use crate::lender::{Lender, LenderRef, Loan};
pub use crate::person::{Person, PersonRef, Stake};

/// The kinds of entities of the sale.
pub type HouseSale = (Escrow, Person, House, Lender);

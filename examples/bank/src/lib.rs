//! A bank: accounts, transfers among them, and standing orders.
//!
//! Three kinds of entities, and nothing else; the package depends on `apostate` alone. Its `main` is another one, `bank-node`.
//!
//! ```text
//!                         hold       ┌─────────┐
//!   pay       ┌──────────┐ ────────▶ │ Account │    Each account does its part so that it can be taken back,
//!  ─────────▶ │ Transfer │           └─────────┘    and says yes or no. One decision of the platform then
//!             └──────────┘ ────────▶ ┌─────────┐    confirms both parts, or cancels them; no transaction
//!                        take_in     │ Account │    ever touches two accounts.
//!                                    └─────────┘
//! ```
//!
//! While a transfer is undecided, everyone can see what is uncertain: the payer has money [`held`](Account::held), the payee has
//! some [`expected`](Account::expected), and the transfer is [under way](Status::UnderWay).
//!
//! Reading order: [`Account`], [`Transfer`], [`StandingOrder`].
//!
//! Paper: *Activities: managing state for each partner* (tentative operations), *uncertainty at a distance*.

mod account;
mod standing_order;
mod transfer;

pub use crate::account::{Account, AccountRef};
pub use crate::standing_order::{StandingOrder, StandingOrderRef, Terms};
pub use crate::transfer::{Share, Status, Transfer, TransferRef};

/// The kinds of entities of the bank.
pub type Bank = (Account, Transfer, StandingOrder);

//! Order processing, the paper's running example: invoices, stock, customers and countries.
//!
//! Four kinds of entities, and nothing else. Nothing here knows a disk, a clock or a machine, nor where an entity
//! lives; the package depends on `apostate` alone. Its `main` is another package, `store-node`.
//!
//! ```text
//!                  reserve                  An invoice takes lines, one a message. For a line that sells it
//!   line         ─────────▶                 proposes to a stock code to reserve units: an agreement, so they
//!  ──────▶ Invoice ◀─────── Stock           are sold or put back, whatever crashes. Lines that return or
//!            │ │    agreed                  adjust go to the stock as they are. When nothing is undecided
//!            │ │  ─────────▶                any more, it bills its customer and its country for what they
//!            │ │   sell                     have not heard of yet.
//!            │ └──────────▶ Country ◀─┐
//!            └────────────▶ Customer ─┘     A customer tells a country once that it buys there.
//!                  bill
//! ```
//!
//! An order of several lines is placed as a whole: one agreement with all of its stock codes, whose outcome is the answer to the call.
//!
//! Every message adds something to its entity, so the order in which *different* entities are heard makes no
//! difference to the sums; and as each message is applied once, every sum is exact. That is all the care which the
//! code takes: no deduplication, no locks, no retries.
//!
//! Reading order: [`Class`] and [`Line`] are what comes in; [`Invoice`], [`Stock`], [`Customer`], [`Country`] are the
//! entities; [`Books`] adds them up, [`Table`] lists them.
//!
//! Paper: *Messaging across entities*; *Activities: managing state for each partner* (tentative operations).

mod class;
mod line;
mod name;
mod price;
mod takings;

mod country;
mod customer;
mod invoice;
mod stock;

mod books;
mod table;

pub use crate::books::{Amounts, Books, Counts, Imbalance, Totals, Units};
pub use crate::class::Class;
pub use crate::country::{Country, CountryRef};
pub use crate::customer::{Customer, CustomerRef};
pub use crate::invoice::{Confirmation, Invoice, InvoiceRef, Placed, Reservation};
pub use crate::line::Line;
pub use crate::name::{key_of, name_of};
pub use crate::price::{PriceError, price_milli};
pub use crate::stock::{Part, Stock, StockRef};
pub use crate::table::Table;
pub use crate::takings::Takings;

/// The kinds of entities of the store.
pub type Store = (Invoice, Stock, Customer, Country);

//! A customer: what its invoices come to, and the countries that it buys in.
//!
//! Lines without a customer belong to one whose name is empty. It counts like the others, except that no country
//! counts it among its customers.

use std::collections::BTreeSet;

use apostate::prelude::*;

use crate::class::is_cancellation;
use crate::{Country, Takings, key_of, name_of};

/// One customer. Its key is made by [`key_of`].
#[entity(name = "customer")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// How many invoices it has.
    pub invoices: u64,
    /// How many of these are cancellations.
    pub cancelled_invoices: u64,
    /// Their sums.
    pub takings: Takings,
    /// The countries that know of it.
    pub countries: BTreeSet<String>,
}

#[handlers]
impl Customer {
    /// An invoice bills what it has not billed before; `first` says that it never billed anything.
    pub fn bill(&mut self, tx: &mut Tx, first: bool, country: String, takings: Takings) {
        let invoice = tx.sender().expect("only an invoice bills").key();
        self.invoices += u64::from(first);
        self.cancelled_invoices += u64::from(first && is_cancellation(invoice.as_str()));
        self.takings.add(takings);
        let has_name = !name_of(tx.key().as_str()).is_empty();
        if has_name && !self.countries.contains(&country) {
            tx.send(Country::at(key_of(&country)).welcome());
            self.countries.insert(country);
        }
    }
}

//! A country: what was sold there, and to how many.

use apostate::prelude::*;

use crate::Takings;

/// One country. Its key is made by [`key_of`](crate::key_of).
#[entity(name = "country")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Country {
    /// How many invoices went there.
    pub invoices: u64,
    /// How many customers buy there. One may buy in several countries.
    pub customers: u64,
    /// The sums of the invoices.
    pub takings: Takings,
}

#[handlers]
impl Country {
    /// An invoice bills what it has not billed before; `first` says that it never billed anything.
    pub fn bill(&mut self, first: bool, takings: Takings) {
        self.invoices += u64::from(first);
        self.takings.add(takings);
    }

    /// A customer buys here for the first time.
    pub fn welcome(&mut self) {
        self.customers += 1;
    }
}

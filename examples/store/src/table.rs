//! Each kind of entity as a table: what `export` writes.
//!
//! No column depends on the order in which different entities were heard, so a table is the same wherever the
//! entities live.

use apostate::Entity;

use crate::{Country, Customer, Invoice, Stock, Takings, name_of};

/// A kind of entity as a table, one row an entity.
pub trait Table: Entity {
    /// The names of the columns. The first is the name of the entity outside.
    const COLUMNS: &'static [&'static str];

    /// The row of the entity with the key `key`, as many fields as there are columns.
    fn row(&self, key: &str) -> Vec<String>;
}

/// The fields of a row, as text.
macro_rules! fields {
    ($($field:expr),+ $(,)?) => { vec![$($field.to_string()),+] };
}

impl Table for Stock {
    const COLUMNS: &'static [&'static str] = &[
        "StockCode",
        "lines",
        "sale_lines",
        "return_lines",
        "adjust_lines",
        "units_sold",
        "units_returned",
        "units_adjusted",
        "units_net",
        "amount_net_milli",
        "invoices",
    ];

    fn row(&self, key: &str) -> Vec<String> {
        let Self {
            reserved: _,
            sale_lines,
            return_lines,
            adjust_lines,
            units_sold,
            units_returned,
            units_adjusted,
            amount_net_milli,
            invoices,
        } = self;
        fields![
            key,
            self.lines(),
            sale_lines,
            return_lines,
            adjust_lines,
            units_sold,
            units_returned,
            units_adjusted,
            self.units_net(),
            amount_net_milli,
            invoices,
        ]
    }
}

impl Table for Customer {
    const COLUMNS: &'static [&'static str] = &[
        "CustomerID",
        "invoices",
        "cancelled_invoices",
        "lines",
        "units_net",
        "gross_milli",
        "returned_milli",
        "adjust_milli",
        "net_milli",
    ];

    fn row(&self, key: &str) -> Vec<String> {
        let Self { invoices, cancelled_invoices, takings, countries: _ } = self;
        let Takings { lines, units, gross_milli, returned_milli, adjust_milli } = takings;
        fields![
            name_of(key),
            invoices,
            cancelled_invoices,
            lines,
            units,
            gross_milli,
            returned_milli,
            adjust_milli,
            takings.net_milli(),
        ]
    }
}

impl Table for Country {
    const COLUMNS: &'static [&'static str] = &[
        "Country",
        "lines",
        "invoices",
        "customers",
        "units_net",
        "gross_milli",
        "returned_milli",
        "adjust_milli",
        "net_milli",
    ];

    fn row(&self, key: &str) -> Vec<String> {
        let Self { invoices, customers, takings } = self;
        let Takings { lines, units, gross_milli, returned_milli, adjust_milli } = takings;
        fields![
            name_of(key),
            lines,
            invoices,
            customers,
            units,
            gross_milli,
            returned_milli,
            adjust_milli,
            takings.net_milli(),
        ]
    }
}

impl Table for Invoice {
    const COLUMNS: &'static [&'static str] = &[
        "InvoiceNo",
        "lines",
        "distinct_stockcodes",
        "units",
        "amount_milli",
        "CustomerID",
        "Country",
        "first_time",
        "last_time",
        "cancelled",
    ];

    fn row(&self, key: &str) -> Vec<String> {
        let Self { lines, units, amount_milli, customer, country, first_time, last_time, codes, .. } = self;
        fields![
            key,
            lines,
            codes.len(),
            units,
            amount_milli,
            customer,
            country,
            first_time,
            last_time,
            Self::is_cancelled(key),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Table>(key: &str, name: &str) {
        let row = T::default().row(key);
        assert_eq!(row.len(), T::COLUMNS.len(), "{}", T::NAME);
        assert_eq!(row[0], name, "{}", T::NAME);
    }

    #[test]
    fn every_row_has_a_field_per_column_and_begins_with_the_name() {
        check::<Stock>("BANK CHARGES", "BANK CHARGES");
        check::<Invoice>("C536379", "C536379");
        check::<Country>("EIRE", "EIRE");
        check::<Customer>("17850", "17850");
        check::<Customer>("~", "");
    }
}

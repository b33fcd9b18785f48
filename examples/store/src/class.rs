//! The class of a line: sale, return or adjustment. Every line falls in one class.

/// The class of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Units leave the house. They are reserved first.
    Sale,
    /// A cancellation: units come back.
    Return,
    /// A write-off: units are gone without a sale.
    Adjust,
}

impl Class {
    /// The class of a line of the invoice numbered `invoice` that is about so many `units`.
    #[must_use]
    pub fn of(invoice: &str, units: i64) -> Self {
        match units {
            _ if is_cancellation(invoice) => Self::Return,
            ..0 => Self::Adjust,
            0.. => Self::Sale,
        }
    }
}

/// Whether the invoice numbered `invoice` takes back what another one sold.
pub(crate) fn is_cancellation(invoice: &str) -> bool {
    invoice.starts_with('C')
}

/// Whether the invoice numbered `invoice` only puts money right, such as a bad debt.
pub(crate) fn is_correction(invoice: &str) -> bool {
    invoice.starts_with('A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invoices_number_and_the_sign_decide() {
        let cases = [
            ("536365", 6, Class::Sale),
            ("A563185", 1, Class::Sale),
            ("536589", -10, Class::Adjust),
            ("A563185", -1, Class::Adjust),
            ("C536379", -1, Class::Return),
            ("C536379", 1, Class::Return),
            ("c536379", 1, Class::Sale),
        ];
        for (invoice, units, class) in cases {
            assert_eq!(Class::of(invoice, units), class, "{invoice} {units}");
        }
    }
}

//! Made-up orders: always the same ones, so that the same demonstration can be run again.

use store::Line;

use crate::row::Row;

/// How many stock codes the shop has.
const PRODUCTS: u64 = 4_000;

/// How many customers it has.
const CUSTOMERS: u64 = 4_000;

/// Most lines of one order.
const LINES_MAX: u64 = 20;

/// Where customers live; the first is home to most.
const COUNTRIES: [&str; 6] = ["United Kingdom", "EIRE", "France", "Germany", "Japan", "Norway"];

/// Made-up orders, each with its lines; one in twelve takes something back.
pub(crate) struct Orders {
    number: u64,
    last: u64,
    rng: u64,
}

impl Orders {
    /// The first `count` of all made-up orders.
    pub(crate) fn new(count: u64) -> Self {
        Self { number: 0, last: count, rng: 2007 }
    }

    fn line(&mut self, customer: u64, takes_back: bool) -> Line {
        let product = self.below(PRODUCTS).min(self.below(PRODUCTS));
        let units = 1 + self.below(24) as i64;
        let (day, hour, minute) = (1 + self.number / 1200 % 28, 8 + self.number / 120 % 10, self.number / 2 % 60);
        let country = if customer.is_multiple_of(8) { customer / 8 % COUNTRIES.len() as u64 } else { 0 };
        Line {
            stock_code: format!("{}", 20_000 + product),
            units: if takes_back { -units } else { units },
            price_milli: 250 * (1 + (product * 7 % 60) as i64),
            time: format!("2010-12-{day:02}T{hour:02}:{minute:02}"),
            customer: if customer.is_multiple_of(5) { String::new() } else { (12_000 + customer).to_string() },
            country: COUNTRIES[country as usize].to_owned(),
        }
    }

    /// A number below `end` that looks random.
    fn below(&mut self, end: u64) -> u64 {
        self.rng = self.rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.rng >> 33) % end
    }
}

impl Iterator for Orders {
    type Item = Vec<Row>;

    fn next(&mut self) -> Option<Vec<Row>> {
        if self.number == self.last {
            return None;
        }
        self.number += 1;
        let takes_back = self.below(12) == 0;
        let customer = self.below(CUSTOMERS);
        let prefix = if takes_back { "C" } else { "" };
        let invoice = format!("{prefix}{}", 500_000 + self.number);
        let lines = 1 + self.below(if takes_back { 3 } else { LINES_MAX });
        Some((0..lines).map(|_| Row { invoice: invoice.clone(), line: self.line(customer, takes_back) }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_orders_are_made_up_every_time() {
        let first: Vec<_> = Orders::new(50).collect();
        assert_eq!(first, Orders::new(100).take(50).collect::<Vec<_>>());
        assert!(first.iter().all(|order| !order.is_empty()));
        assert!(first.iter().any(|order| order[0].invoice.starts_with('C')));
    }
}

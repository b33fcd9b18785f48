//! A made-up log of orders that looks like Online Retail, with all the oddities that the real one has.
//!
//! The same seed makes the same log. Prices are made as thousandths and written as the shortest decimal.

use std::fmt::Write;

use apostate_core::SplitMix64;

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub invoice: String,
    pub stock_code: String,
    pub description: String,
    pub units: i64,
    pub time: String,
    pub price_milli: i64,
    pub customer: String,
    pub country: String,
}

/// Stock codes beyond the usual five digits: blanks, slashes, a quote, a comma, letter case, other scripts.
const ODD_CODES: &[&str] = &["BANK CHARGES", "a/b", "POST", "15056bl", "15056BL", "~", "D", "é£", "5\" plate", "m,n"];

const DESCRIPTIONS: &[&str] =
    &["", "?", " SET OF 3 ", "CREAM \"CUPID\" HEARTS", "TEA, COFFEE, SUGAR", "£1 COINS", "damaged"];

/// Customers that buy in two countries, and names that could be mistaken for the key of no name.
const ODD_CUSTOMERS: &[&str] = &["12370", "12394", "~", "~12370"];

const COUNTRIES: &[&str] = &["United Kingdom", "France", "EIRE", "Korea, Republic of", "The \"RSA\"", "Unspecified"];

/// A made-up log of about `lines` lines.
pub fn rows(seed: u64, lines: usize) -> Vec<Row> {
    let mut rng = Rng::new(seed);
    let mut rows = Vec::with_capacity(lines + 512);
    let mut invoice = 536_365;
    while rows.len() < lines {
        invoice += 1;
        add_invoice(&mut rows, &mut rng, invoice);
    }
    let mut late = rows[0].clone();
    late.description = "an invoice that goes on much later".to_owned();
    late.stock_code = "LATE".to_owned();
    rows.push(late);
    rows
}

fn add_invoice(rows: &mut Vec<Row>, rng: &mut Rng, number: u32) {
    let minutes = rows.len() / 40;
    let time = |extra: usize| format!("2010-12-{:02}T{:02}:{:02}", 1 + minutes / 1440 % 28, minutes / 60 % 24, extra);
    let customer = match rng.below(10) {
        0..3 => String::new(),
        3 => (*rng.one_of(ODD_CUSTOMERS)).to_owned(),
        _ => (12_346 + rng.below(60)).to_string(),
    };
    let country = if rng.below(3) == 0 { rng.one_of(COUNTRIES) } else { COUNTRIES[0] };
    let (prefix, lines) = match rng.below(20) {
        0..3 => ("C", 1 + rng.below(3)),
        3 => ("A", 1),
        4 if rows.len() > 300 && rng.below(8) == 0 => ("", 250),
        _ => ("", 1 + rng.below(12)),
    };
    let is_write_off = prefix.is_empty() && rng.below(12) == 0;
    for at in 0..lines {
        let code = match rng.below(6) {
            0 => (*rng.one_of(ODD_CODES)).to_owned(),
            _ => format!("{}{}", 20_000 + rng.below(150), rng.one_of(&["", "A", "B"])),
        };
        let units = match rng.below(200) {
            0 => 80_995,
            _ => 1 + rng.below(24) as i64,
        };
        let (units, price_milli) = match prefix {
            "C" => (-units, rng.price()),
            "A" => (1, if rng.below(2) == 0 { -11_062_060 } else { 11_062_060 }),
            _ if is_write_off => (-units, 0),
            _ => (units, rng.price()),
        };
        rows.push(Row {
            invoice: format!("{prefix}{number}"),
            stock_code: code,
            description: (*rng.one_of(DESCRIPTIONS)).to_owned(),
            units,
            time: time(minutes % 30 + usize::from(at > 5)),
            price_milli,
            customer: if is_write_off { String::new() } else { customer.clone() },
            country: country.to_owned(),
        });
        if rng.below(25) == 0 {
            rows.extend(rows.last().cloned());
        }
    }
}

/// The rows as a file.
pub fn file(rows: &[Row]) -> String {
    let mut text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for row in rows {
        let Row { invoice, stock_code, description, units, time, price_milli, customer, country } = row;
        let [stock_code, description, country] = [stock_code, description, country].map(|field| quoted(field));
        let price = decimal(*price_milli);
        writeln!(text, "{invoice},{stock_code},{description},{units},{time},{price},{customer},{country}")
            .expect("a string takes everything");
    }
    text
}

/// A field as RFC 4180 has it.
pub fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn decimal(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:03}", milli.abs() / 1000, milli.abs() % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Random numbers from one seed.
pub struct Rng(SplitMix64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.below(end as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn price(&mut self) -> i64 {
        match self.below(40) {
            0 => 0,
            1 => 1 + self.below(999) as i64,
            _ => 10 * (1 + self.below(1500) as i64),
        }
    }
}

//! The expected result of a log: the four tables and the totals, computed from its rows with plain maps.

use std::collections::{BTreeMap, BTreeSet};

use super::made_up::{Row, quoted};

/// Table after table: the kind, then header and rows.
pub type Tables = Vec<(&'static str, Vec<Vec<String>>)>;

const HEADERS: [(&str, &str); 4] = [
    (
        "stock",
        "StockCode,lines,sale_lines,return_lines,adjust_lines,units_sold,units_returned,units_adjusted,units_net,\
         amount_net_milli,invoices",
    ),
    (
        "customer",
        "CustomerID,invoices,cancelled_invoices,lines,units_net,gross_milli,returned_milli,adjust_milli,net_milli",
    ),
    ("country", "Country,lines,invoices,customers,units_net,gross_milli,returned_milli,adjust_milli,net_milli"),
    (
        "invoice",
        "InvoiceNo,lines,distinct_stockcodes,units,amount_milli,CustomerID,Country,first_time,last_time,cancelled",
    ),
];

/// The four tables, each sorted by the bytes of its first column.
pub fn tables(rows: &[Row]) -> Tables {
    let bodies = [
        group(rows, |row| &row.stock_code, stock_fields),
        group(rows, |row| &row.customer, customer_fields),
        group(rows, |row| &row.country, country_fields),
        group(rows, |row| &row.invoice, invoice_fields),
    ];
    let with_header = |((kind, header), body): ((&'static str, &str), Vec<Vec<String>>)| {
        let header = header.split(',').map(str::to_owned).collect();
        (kind, [vec![header], body].concat())
    };
    HEADERS.into_iter().zip(bodies).map(with_header).collect()
}

/// A table as `export` writes it.
pub fn text(table: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| row.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\n";
    table.iter().map(line).collect()
}

/// The totals, as `--json` names them.
pub fn totals(rows: &[Row]) -> Vec<(&'static str, i64)> {
    let all: Vec<_> = rows.iter().collect();
    let invoices = distinct(&all, |row| &row.invoice);
    let starting = |letter: char| invoices.iter().filter(|invoice| invoice.starts_with(letter)).count() as i64;
    let anonymous: Vec<_> = rows.iter().filter(|row| row.customer.is_empty()).collect();
    let Units { sold, returned, adjusted } = units(&all);
    let Amounts { gross, returned: given_back, adjust } = amounts(&all);
    vec![
        ("/counts/lines", rows.len() as i64),
        ("/counts/sale_lines", lines(&all, "sale")),
        ("/counts/return_lines", lines(&all, "return")),
        ("/counts/adjust_lines", lines(&all, "adjust")),
        ("/counts/invoices", invoices.len() as i64),
        ("/counts/plain_invoices", invoices.len() as i64 - starting('C') - starting('A')),
        ("/counts/cancelled_invoices", starting('C')),
        ("/counts/stock_codes", distinct(&all, |row| &row.stock_code).len() as i64),
        ("/counts/customers", named(&all)),
        ("/counts/countries", distinct(&all, |row| &row.country).len() as i64),
        ("/units/units_sold", sold),
        ("/units/units_returned", returned),
        ("/units/units_adjusted", adjusted),
        ("/units/units_net", sold - returned + adjusted),
        ("/amounts_milli/gross_milli", gross),
        ("/amounts_milli/returned_milli", given_back),
        ("/amounts_milli/adjust_milli", adjust),
        ("/amounts_milli/net_milli", amount(&all)),
        ("/amounts_milli/missing_customer_net_milli", amount(&anonymous)),
        ("/still_reserved", 0),
    ]
}

/// One row of fields for each name that `name` takes from the rows.
fn group(rows: &[Row], name: fn(&Row) -> &String, fields: fn(&[&Row]) -> Vec<String>) -> Vec<Vec<String>> {
    let mut groups = BTreeMap::<&String, Vec<&Row>>::new();
    for row in rows {
        groups.entry(name(row)).or_default().push(row);
    }
    groups.into_iter().map(|(name, rows)| [vec![name.clone()], fields(&rows)].concat()).collect()
}

fn numbers(numbers: &[i64]) -> Vec<String> {
    numbers.iter().map(i64::to_string).collect()
}

fn stock_fields(rows: &[&Row]) -> Vec<String> {
    let Units { sold, returned, adjusted } = units(rows);
    numbers(&[
        rows.len() as i64,
        lines(rows, "sale"),
        lines(rows, "return"),
        lines(rows, "adjust"),
        sold,
        returned,
        adjusted,
        sold - returned + adjusted,
        amount(rows),
        distinct(rows, |row| &row.invoice).len() as i64,
    ])
}

fn customer_fields(rows: &[&Row]) -> Vec<String> {
    let invoices = distinct(rows, |row| &row.invoice);
    let cancelled = invoices.iter().filter(|invoice| invoice.starts_with('C')).count() as i64;
    let mut fields = vec![invoices.len() as i64, cancelled, rows.len() as i64];
    fields.extend(money(rows));
    numbers(&fields)
}

fn country_fields(rows: &[&Row]) -> Vec<String> {
    let invoices = distinct(rows, |row| &row.invoice).len() as i64;
    let mut fields = vec![rows.len() as i64, invoices, named(rows)];
    fields.extend(money(rows));
    numbers(&fields)
}

fn invoice_fields(rows: &[&Row]) -> Vec<String> {
    let times = distinct(rows, |row| &row.time);
    let codes = distinct(rows, |row| &row.stock_code).len() as i64;
    let units = rows.iter().map(|row| row.units).sum();
    let mut fields = numbers(&[rows.len() as i64, codes, units, amount(rows)]);
    fields.extend([rows[0].customer.clone(), rows[0].country.clone()]);
    fields.extend([times.first(), times.last()].map(|time| (*time.expect("an invoice has a line")).to_owned()));
    fields.push(rows[0].invoice.starts_with('C').to_string());
    fields
}

/// Units and the four amounts, as customers and countries have them.
fn money(rows: &[&Row]) -> [i64; 5] {
    let Amounts { gross, returned, adjust } = amounts(rows);
    [rows.iter().map(|row| row.units).sum(), gross, returned, adjust, amount(rows)]
}

fn distinct<'a>(rows: &[&'a Row], name: fn(&Row) -> &String) -> BTreeSet<&'a str> {
    rows.iter().map(|row| name(row).as_str()).collect()
}

fn named(rows: &[&Row]) -> i64 {
    distinct(rows, |row| &row.customer).iter().filter(|customer| !customer.is_empty()).count() as i64
}

fn class(row: &Row) -> &'static str {
    match (row.invoice.starts_with('C'), row.units > 0) {
        (true, _) => "return",
        (false, true) => "sale",
        (false, false) => "adjust",
    }
}

fn lines(rows: &[&Row], wanted: &str) -> i64 {
    rows.iter().filter(|row| class(row) == wanted).count() as i64
}

struct Units {
    sold: i64,
    returned: i64,
    adjusted: i64,
}

fn units(rows: &[&Row]) -> Units {
    let of = |wanted: &str| rows.iter().filter(|row| class(row) == wanted).map(|row| row.units).sum::<i64>();
    Units { sold: of("sale"), returned: -of("return"), adjusted: of("adjust") }
}

struct Amounts {
    gross: i64,
    returned: i64,
    adjust: i64,
}

fn amounts(rows: &[&Row]) -> Amounts {
    let mut amounts = Amounts { gross: 0, returned: 0, adjust: 0 };
    for row in rows {
        match (row.units * row.price_milli, class(row)) {
            (amount, "return") => amounts.returned -= amount,
            (amount @ 0.., _) => amounts.gross += amount,
            (amount, _) => amounts.adjust += amount,
        }
    }
    amounts
}

fn amount(rows: &[&Row]) -> i64 {
    rows.iter().map(|row| row.units * row.price_milli).sum()
}

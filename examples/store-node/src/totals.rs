//! The totals, from what the entities themselves say: as a page for people, or as JSON for programs.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use apostate::data;
use store::{Amounts, Books, Country, Counts, Customer, Invoice, Stock, Totals, Units};

use crate::failure::Failure;
use crate::figures::{grouped, pounds};
use crate::place::Place;

/// How a stream of lines went.
#[data]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Lines that were taken, now or before.
    pub(crate) lines: u64,
    /// Lines that counted for the first time, if the store tells.
    pub(crate) lines_new: Option<u64>,
    /// Lines that had been counted before, if the store tells: by an earlier run, or by this one before its connection broke.
    pub(crate) lines_before: Option<u64>,
    /// From the first line sent until no message was on its way any more.
    pub(crate) seconds: f64,
    /// How many partitions the store has.
    pub(crate) partitions: usize,
}

/// The object that `--json` prints.
#[data]
struct Report {
    #[serde(flatten)]
    totals: Totals,
    run: Run,
}

/// Adds up every entity of the store.
pub(crate) fn books(store: &impl Place) -> Result<Books, Failure> {
    let mut books = Books::default();
    for listed in store.list::<Invoice>() {
        let (key, invoice) = listed?;
        books.add_invoice(&key, &invoice);
    }
    for listed in store.list::<Stock>() {
        books.add_stock(&listed?.1);
    }
    for listed in store.list::<Customer>() {
        let (key, customer) = listed?;
        books.add_customer(&key, &customer);
    }
    for listed in store.list::<Country>() {
        books.add_country(&listed?.1);
    }
    Ok(books)
}

/// Prints totals to stdout, as the last thing there.
pub(crate) fn print(totals: Totals, run: Run, json: bool) -> Result<(), Failure> {
    let text = if json {
        serde_json::to_string(&Report { totals, run }).expect("numbers under fixed names") + "\n"
    } else {
        page(&totals, &run)
    };
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn page(totals: &Totals, run: &Run) -> String {
    let Run { lines, lines_new: _, lines_before, seconds, partitions } = *run;
    let before = lines_before.map(|lines| format!(", {} of them counted before", grouped(lines))).unwrap_or_default();
    let rate = (lines as f64 / seconds.max(0.001)) as u64;
    let mut text = format!(
        "{} lines taken{before}, in {seconds:.1} s ({} lines/s) on {partitions} partitions\n\n",
        grouped(lines),
        grouped(rate),
    );
    for (name, figure, detail) in rows(totals) {
        let line = format!("  {name:<15}{figure:>15}   {detail}");
        writeln!(text, "{}", line.trim_end()).expect("a string takes everything");
    }
    text
}

/// The rows of the page: name, figure, and detail.
fn rows(totals: &Totals) -> [(&'static str, String, String); 7] {
    let Totals { counts, units, amounts_milli, still_reserved } = *totals;
    let Counts { lines, sale_lines, return_lines, adjust_lines, .. } = counts;
    let Counts { invoices, plain_invoices, cancelled_invoices, stock_codes, customers, countries, .. } = counts;
    let Units { units_sold, units_returned, units_adjusted, units_net } = units;
    let Amounts { gross_milli, returned_milli, adjust_milli, net_milli, missing_customer_net_milli } = amounts_milli;
    let [sale, returned, adjust] = [sale_lines, return_lines, adjust_lines].map(grouped);
    let by_class = format!("{sale} sale, {returned} return, {adjust} adjust");
    let by_invoice = format!("{} plain, {} cancelled", grouped(plain_invoices), grouped(cancelled_invoices));
    let [sold, returned, adjusted] = [units_sold, units_returned, units_adjusted].map(grouped);
    let by_unit = format!("{sold} sold, {returned} returned, {adjusted} adjusted");
    let [gross, returned, adjusted, missing] =
        [gross_milli, returned_milli, adjust_milli, missing_customer_net_milli].map(pounds);
    let by_amount =
        format!("{gross} gross, {returned} returned, {adjusted} adjusted; {missing} of it without customer");
    [
        ("lines", grouped(lines), by_class),
        ("invoices", grouped(invoices), by_invoice),
        ("stock codes", grouped(stock_codes), String::new()),
        ("customers", grouped(customers), format!("in {} countries", grouped(countries))),
        ("units", grouped(units_net), by_unit),
        ("money", pounds(net_milli), by_amount),
        ("still reserved", grouped(still_reserved), String::new()),
    ]
}

//! The books balance whatever goes wrong on the way: crashes at any commit, messages lost and doubled, any map.
//!
//! Four kinds of entities hear of each line on four different ways. One message too many or too few, and their sums
//! disagree.

use apostate_test::World;
use store::{Books, Confirmation, Country, Customer, Invoice, Line, Stock, Store};

/// A line of one of a few invoices, which share stock codes, customers and countries.
fn line(world: &mut World, invoice: u64) -> (String, Line) {
    let code = ["85123A", "22423", "BANK CHARGES", "a/b"][world.random(4) as usize];
    let prefix = ["", "C", "A"][invoice as usize % 3];
    let units = world.random(12) as i64 + 1;
    let line = Line {
        stock_code: code.to_owned(),
        units: if prefix == "C" || world.random(6) == 0 { -units } else { units },
        price_milli: 250 * world.random(20) as i64,
        time: format!("2011-03-0{}T10:00", 1 + world.random(9)),
        customer: ["", "17850", "13047"][invoice as usize % 3].to_owned(),
        country: ["France", "EIRE"][invoice as usize % 2].to_owned(),
    };
    (format!("{prefix}{}", 536_365 + invoice), line)
}

fn books(world: &mut World) -> Books {
    let mut books = Books::default();
    world.all::<Invoice>().for_each(|invoice| books.add_invoice(invoice.key.as_str(), &invoice));
    world.all::<Stock>().for_each(|stock| books.add_stock(&stock));
    world.all::<Customer>().for_each(|customer| books.add_customer(customer.key.as_str(), &customer));
    world.all::<Country>().for_each(|country| books.add_country(&country));
    books
}

#[test]
fn the_books_balance_under_all_faults() {
    World::seeds(0..40).entities::<Store>().run(|world| {
        for number in 0..40 {
            let (invoice, line) = line(world, number % 7);
            world.send(Invoice::at(invoice).line(line));
        }
        world.settle();
        let books = books(world);
        assert_eq!(books.balance(), Ok(()));
        let counts = books.totals().counts;
        assert_eq!((counts.lines, counts.invoices), (40, 7));
    });
}

#[test]
fn an_order_is_confirmed_when_all_of_it_is_reserved() {
    World::seeds(0..20).entities::<Store>().run(|world| {
        let lines: Vec<_> = [("85123A", 6), ("22423", 1), ("85123A", 2)].map(|(code, units)| sale(code, units)).into();
        let expected = Confirmation { lines: 3, units: 9, amount_milli: 9_000 };
        assert_eq!(world.call(Invoice::at("536365").place(lines)), Ok(expected));
        world.send(Invoice::at("536365").line(sale("85123A", 1)));
        let refused = world.call(Invoice::at("536365").place(vec![sale("85123A", -1)])).expect_err("it is a return");
        assert_eq!(refused.code, "not-a-sale");
        world.settle();
        let books = books(world);
        assert_eq!(books.balance(), Ok(()));
        let counts = books.totals().counts;
        assert_eq!((counts.lines, counts.invoices), (4, 1));
        let stock = world.get::<Stock>("85123A").expect("it was sold");
        assert_eq!((stock.units_sold, stock.reserved, stock.invoices), (9, 0, 1));
    });
}

fn sale(code: &str, units: i64) -> Line {
    Line {
        stock_code: code.to_owned(),
        units,
        price_milli: 1000,
        time: "2011-03-01T10:00".to_owned(),
        customer: "17850".to_owned(),
        country: "France".to_owned(),
    }
}

#[test]
fn a_line_that_is_called_twice_is_two_lines() {
    World::seeds(0..10).entities::<Store>().run(|world| {
        let (invoice, line) = line(world, 1);
        for line in [line.clone(), line] {
            assert_eq!(world.call(Invoice::at(&invoice).line(line)), Ok(()));
        }
        assert_eq!(world.get::<Invoice>(&invoice).map(|invoice| invoice.lines), Some(2));
    });
}

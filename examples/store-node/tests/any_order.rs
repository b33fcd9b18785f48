//! The store in worlds in which every pair of entities waits as long as it likes, and crashes at any commit.
//!
//! The platform promises order per pair, and none across pairs. Whatever the order, the tables are the same.

mod support;

use std::cell::Cell;

use apostate::Entity;
use apostate_test::World;
use store::{Books, Country, Customer, Invoice, Line, Stock, Store, Table};
use support::expected::{self, Tables};
use support::made_up::{self, Row};

/// Has a line ordered, by a client of its own.
fn order(world: &mut World, row: &Row) {
    let Row { invoice, stock_code, units, time, price_milli, customer, country, .. } = row.clone();
    let line = Line { stock_code, units, price_milli, time, customer, country };
    world.send(Invoice::at(invoice).line(line));
}

fn table<E: Entity + Table>(world: &mut World) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = world.all::<E>().map(|found| found.entity.row(found.key.as_str())).collect();
    rows.sort();
    [vec![E::COLUMNS.iter().map(|&column| column.to_owned()).collect()], rows].concat()
}

fn tables(world: &mut World) -> Tables {
    vec![
        (Stock::NAME, table::<Stock>(world)),
        (Customer::NAME, table::<Customer>(world)),
        (Country::NAME, table::<Country>(world)),
        (Invoice::NAME, table::<Invoice>(world)),
    ]
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
fn the_tables_do_not_depend_on_the_order_across_pairs() {
    World::seeds(0..6).entities::<Store>().run(|world| {
        let rows = made_up::rows(1 + world.random(1000), 300);
        for row in &rows {
            order(world, row);
        }
        world.settle();
        assert_eq!(tables(world), expected::tables(&rows));
        let books = books(world);
        assert_eq!(books.balance(), Ok(()));
        assert_eq!(books.totals().counts.lines, rows.len() as u64);
    });
}

#[test]
fn the_books_balance_only_when_all_is_quiet() {
    let unbalanced = Cell::new(0);
    World::seeds(0..10).entities::<Store>().run(|world| {
        let rows = made_up::rows(1, 60);
        for row in &rows {
            order(world, row);
            unbalanced.update(|count| count + u32::from(books(world).balance().is_err()));
        }
        world.settle();
        assert_eq!(books(world).balance(), Ok(()));
    });
    assert!(unbalanced.get() > 100, "{}", unbalanced.get());
}

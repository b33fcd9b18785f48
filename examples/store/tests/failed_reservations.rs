//! A stock that cannot reserve is asked again, and nothing is billed before it has.

use std::time::Duration;

use apostate::prelude::*;
use apostate_test::World;
use store::{Country, Customer, Invoice, Line, Part};

/// A stock code that is closed for a while. For an invoice it is what `store::Stock` is: names are all that counts.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub struct ClosedStock {
    is_open: bool,
    sold: i64,
}

#[handlers]
impl ClosedStock {
    /// Opens.
    #[open]
    pub fn open(&mut self) {
        self.is_open = true;
    }

    /// Promises units, once it is open.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&mut self, part: Part) -> Result<(), Refusal> {
        refuse!(!self.is_open, "{} units of a closed stock", part.units);
        Ok(())
    }

    fn sell(&mut self, part: Part) {
        self.sold += part.units;
    }

    fn put_back(&mut self, _part: Part) {}
}

#[test]
fn what_could_not_be_reserved_is_reserved_later_and_then_billed() {
    World::seeds(0..20).entities::<(Invoice, ClosedStock, Customer, Country)>().run(|world| {
        let [stock_code, time, country] = ["85123A", "2010-12-01T08:26", "France"].map(str::to_owned);
        let line = Line { stock_code, units: 6, price_milli: 2550, time, customer: "17850".to_owned(), country };
        for _ in 0..2 {
            assert_eq!(world.call(Invoice::at("536365").line(line.clone())), Ok(()));
        }
        world.settle();
        let invoice = |world: &mut World| world.get::<Invoice>("536365").expect("it has lines").entity;
        assert_eq!((invoice(world).lines, invoice(world).units_open()), (2, 12));
        assert!(world.get::<Customer>("17850").is_none(), "it was billed for what is not reserved");
        world.call(ClosedStock::at("85123A").open());
        world.wait(Duration::from_secs(600));
        world.settle();
        assert_eq!((invoice(world).units_open(), invoice(world).failed.len()), (0, 0));
        let customer = world.get::<Customer>("17850").expect("it was billed").entity;
        assert_eq!((customer.invoices, customer.takings.units), (1, 12));
        assert_eq!(world.get::<ClosedStock>("85123A").expect("it is open").sold, 12);
    });
}

//! Under any faults, the shop sells what it has and no more.

use apostate_test::World;
use {{crate_name}}::{Order, Stock};

#[test]
fn orders_never_oversell() {
    World::seeds(0..20).entities::<(Stock, Order)>().run(|world| {
        world.call(Stock::at("tea").receive(10));
        for order in 0..20 {
            world.send(Order::at(order).place("tea".into()));
        }
        world.settle();
        assert_eq!(world.all::<Order>().filter(|order| order.is_confirmed).count(), 10);
    });
}

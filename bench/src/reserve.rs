//! `reserve`: orders that reserve stock, each ten messages, all of them durable.
//!
//! The same work as the ceiling that it is compared with. A request is answered when its order is placed, durably; the
//! time ends when every order that was placed is confirmed, durably.

use apostate_server::{Client, Producer};

use crate::arguments::ReserveArguments;
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::orders::{ITEMS, MESSAGES, Rng};
use crate::report::{Report, merged};
use crate::shop::{ON_HAND, Order, Shop, Stock};
use crate::stream::{End, Stream};

/// Runs it.
pub(crate) fn run(arguments: &ReserveArguments) -> Result<Report, Failure> {
    let ReserveArguments { host, stream: asked, agreements } = arguments;
    let host = Host::open::<Shop>(host)?;
    let mut report = Report::new("reserve", merged(&host.parameters(), asked));
    let mut stream = Stream::open(host.client(), "reserve", asked)?;
    let mut rng = Rng::new(asked.pace.seed);
    let mut units = vec![0; ITEMS as usize];
    let mut place = |producer: &mut Producer, number| {
        let lines = rng.lines();
        lines.iter().for_each(|&(item, count)| units[item as usize] += i64::from(count));
        match agreements {
            true => producer.send(number, Order::at(number).agree(lines)),
            false => producer.send(number, Order::at(number).place(lines)),
        }
    };

    stream.run(End::new(asked.pace.warm_up(), asked.pace.requests), &mut place)?;
    host.client().settle()?;
    let begin = host.mark()?;
    let orders = stream.run(End::new(asked.pace.time(), asked.pace.requests), &mut place)?;
    host.client().settle()?;
    let end = host.mark()?;

    begin.report(&end, "order", orders, &mut report);
    report.set_rounded("messages_per_s", (orders * MESSAGES) as f64 / end.seconds_since(&begin));
    report.set("outstanding", asked.outstanding);
    stream.latency().report(&mut report);
    audit(host.client(), stream.sent(), &units)?;
    report.set("orders_audited", stream.sent());
    drop(stream);
    host.stop()?;
    Ok(report)
}

/// Lists every entity: all orders confirmed, nothing held, and of every item as much sold as was ordered.
pub(crate) fn audit(client: &Client, orders: u64, units: &[i64]) -> Result<(), Failure> {
    let mut confirmed = 0;
    for order in client.list::<Order>() {
        let order = order?;
        let is_confirmed = order.entity.confirmed && order.entity.waiting == 0;
        check(is_confirmed, || format!("order {} is not confirmed", order.key))?;
        confirmed += 1;
    }
    check(confirmed == orders, || format!("{orders} orders were placed, {confirmed} are confirmed"))?;
    let mut ordered = units.to_vec();
    for stock in client.list::<Stock>() {
        let stock = stock?;
        let Stock { on_hand, held, sold } = &stock.entity;
        check(held.is_empty(), || format!("item {} is held for {} orders", stock.key, held.len()))?;
        check(on_hand + sold == ON_HAND, || format!("item {} has {on_hand} and sold {sold}", stock.key))?;
        let ordered = stock.key.as_str().parse().ok().and_then(|item: usize| ordered.get_mut(item));
        let ordered =
            ordered.ok_or_else(|| Failure::Wrong(format!("item {} was not ordered by any order", stock.key)))?;
        check(ordered == sold, || format!("of item {}, {ordered} were ordered and {sold} sold", stock.key))?;
        *ordered = 0;
    }
    let missing = ordered.iter().filter(|ordered| **ordered != 0).count();
    check(missing == 0, || format!("{missing} items were ordered and are not there"))
}

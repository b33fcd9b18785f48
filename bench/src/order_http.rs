//! `order-http`: an order is placed over HTTP, and asked for until it is confirmed: ten messages between entities later.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::json;

use crate::arguments::HttpArguments;
use crate::failure::Failure;
use crate::host::Host;
use crate::http::{Asks, Connection, Load};
use crate::orders::{ITEMS, Rng};
use crate::report::{Report, merged};
use crate::reserve::audit;
use crate::shop::Shop;
use crate::stream::End;

/// Runs it.
pub(crate) fn run(arguments: &HttpArguments) -> Result<Report, Failure> {
    let HttpArguments { host, pace, connections, rate, requests_max } = arguments;
    let host = Host::open::<Shop>(host)?;
    let mut report = Report::new("order-http", merged(&host.parameters(), arguments));
    let serving = host.serve(*requests_max)?;
    let load = Load { address: serving.local_addr(), connections: *connections, rate: *rate };
    let orders = Rc::new(Orders {
        rng: RefCell::new(Rng::new(pace.seed)),
        units: RefCell::new(vec![0; ITEMS as usize]),
        looks: Cell::new(0),
    });

    let before = load.run(End::new(pace.warm_up(), pace.requests), 0, Rc::clone(&orders))?.done;
    let (begin, looks) = (host.mark()?, orders.looks.get());
    let answers = load.run(End::new(pace.time(), pace.requests), before, Rc::clone(&orders))?;
    let (begin, end) = (begin.at(answers.began), host.mark()?.at(answers.done_last));
    let confirmed = answers.done;

    begin.report(&end, "order", confirmed, &mut report);
    report.set_rounded("looks_per_order", (orders.looks.get() - looks) as f64 / confirmed.max(1) as f64);
    answers.report(&mut report);
    serving.stop();
    host.client().settle()?;
    audit(host.client(), before + confirmed, &orders.units.borrow())?;
    host.stop()?;
    Ok(report)
}

struct Orders {
    rng: RefCell<Rng>,
    units: RefCell<Vec<i64>>,
    looks: Cell<u64>,
}

impl Asks for Orders {
    type Connection = Connection;

    async fn open(&self, address: SocketAddr) -> Result<Connection, Failure> {
        Connection::open(address).await
    }

    async fn ask(&self, connection: &mut Connection, number: u64) -> Result<bool, Failure> {
        let lines = self.rng.borrow_mut().lines();
        lines.iter().for_each(|&(item, count)| self.units.borrow_mut()[item as usize] += i64::from(count));
        let body = json!({ "lines": lines }).to_string();
        let place = format!("/entities/order/{number}/place");
        // An order is placed however long that takes: the time until it is confirmed is what is asked for.
        while connection.post(&place, number, &body).await?.is_none() {}
        let outcome = format!("/entities/order/{number}/outcome");
        loop {
            self.looks.set(self.looks.get() + 1);
            if connection.get(&outcome).await?.is_some_and(|outcome| outcome.starts_with(b"[true")) {
                return Ok(true);
            }
        }
    }
}

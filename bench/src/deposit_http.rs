//! `deposit-http`: as `deposit`, over HTTP: a durable update a request, with an `Idempotency-Key` each.

use std::cell::RefCell;
use std::rc::Rc;

use crate::arguments::HttpArguments;
use crate::bank::{Bank, Books};
use crate::failure::Failure;
use crate::host::Host;
use crate::http::{Asks, Connection, Load};
use crate::orders::Luck;
use crate::report::{Report, merged};
use crate::stream::End;

/// How many accounts there are.
const ACCOUNTS: u64 = 100_000;

/// Runs it.
pub(crate) fn run(arguments: &HttpArguments) -> Result<Report, Failure> {
    let HttpArguments { host, pace, connections, rate } = arguments;
    let host = Host::open::<Bank>(host)?;
    let mut report = Report::new("deposit-http", merged(&host.parameters(), arguments));
    let serving = host.serve()?;
    let load = Load { address: serving.local_addr(), connections: *connections, rate: *rate };
    let luck = RefCell::new(Luck::new(pace.seed));
    let deposits = Rc::new(Deposits { luck, books: RefCell::default() });

    let (before, _) = load.run(End::new(pace.warm_up(), pace.requests), 0, Rc::clone(&deposits))?;
    let begin = host.mark()?;
    let (requests, latency) = load.run(End::new(pace.time(), pace.requests), before, Rc::clone(&deposits))?;
    let end = host.mark()?;

    begin.report(&end, "request", requests, &mut report);
    latency.report(&mut report);
    serving.stop();
    deposits.books.borrow().audit(host.client())?;
    host.stop()?;
    Ok(report)
}

struct Deposits {
    luck: RefCell<Luck>,
    books: RefCell<Books>,
}

impl Asks for Deposits {
    async fn ask(&self, connection: &mut Connection, number: u64) -> Result<(), Failure> {
        let (account, amount) = {
            let mut luck = self.luck.borrow_mut();
            (luck.below(ACCOUNTS), luck.below(100) + 1)
        };
        let path = format!("/entities/account/{account}/deposit");
        connection.post(&path, number, &format!("{{\"amount\":{amount}}}")).await?;
        self.books.borrow_mut().add(amount);
        Ok(())
    }
}

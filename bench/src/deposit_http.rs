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
    let HttpArguments { host, pace, connections, rate, requests_max } = arguments;
    let host = Host::open::<Bank>(host)?;
    let mut report = Report::new("deposit-http", merged(&host.parameters(), arguments));
    let serving = host.serve(*requests_max)?;
    let load = Load { address: serving.local_addr(), connections: *connections, rate: *rate };
    let luck = RefCell::new(Luck::new(pace.seed));
    let deposits = Rc::new(Deposits { luck, books: RefCell::default() });

    let before = load.run(End::new(pace.warm_up(), pace.requests), 0, Rc::clone(&deposits))?;
    let (begin, first) = (host.mark()?, before.done + before.busy);
    let answers = load.run(End::new(pace.time(), pace.requests), first, Rc::clone(&deposits))?;
    let end = host.mark()?;

    begin.report(&end, "request", answers.done, &mut report);
    report.set_rounded("busy_per_s", answers.busy as f64 / end.seconds_since(&begin));
    answers.latency.report(&mut report);
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
    async fn ask(&self, connection: &mut Connection, number: u64) -> Result<bool, Failure> {
        let (account, amount) = {
            let mut luck = self.luck.borrow_mut();
            (luck.below(ACCOUNTS), luck.below(100) + 1)
        };
        let path = format!("/entities/account/{account}/deposit");
        let is_done = connection.post(&path, number, &format!("{{\"amount\":{amount}}}")).await?.is_some();
        if is_done {
            self.books.borrow_mut().add(amount);
        }
        Ok(is_done)
    }
}

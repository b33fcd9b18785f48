//! `deposit`: one durable update a request, each with a client key, so that it can be repeated.
//!
//! A caller keeps many calls under way and takes their answers in the order of the calls; so a latency is never too small,
//! and with several partitions may be somewhat too large.

use std::collections::VecDeque;
use std::time::Instant;

use apostate_server::{Client, Pending};

use crate::arguments::DepositArguments;
use crate::bank::{Account, Bank, Books};
use crate::failure::Failure;
use crate::host::Host;
use crate::latency::Latency;
use crate::orders::Rng;
use crate::report::{Report, merged};
use crate::stream::End;

/// Runs it.
pub(crate) fn run(arguments: &DepositArguments) -> Result<Report, Failure> {
    let DepositArguments { host, pace, accounts, outstanding } = arguments;
    let host = Host::open::<Bank>(host)?;
    let mut parameters = merged(&host.parameters(), pace);
    parameters["accounts"] = (*accounts).into();
    parameters["outstanding"] = (*outstanding).into();
    let mut report = Report::new("deposit", parameters);
    let mut callers = Callers {
        client: host.client().clone(),
        rng: Rng::new(pace.seed),
        accounts: (*accounts).max(1),
        outstanding: (*outstanding).max(1),
        waiting: VecDeque::new(),
        latency: Latency::new(),
        books: Books::default(),
    };

    callers.run(End::new(pace.warm_up(), pace.requests))?;
    let begin = host.mark()?;
    let requests = callers.run(End::new(pace.time(), pace.requests))?;
    let end = host.mark()?;

    begin.report(&end, "request", requests, &mut report);
    report.set("outstanding", outstanding);
    callers.latency.report(&mut report);
    callers.books.audit(host.client())?;
    drop(callers);
    host.stop()?;
    Ok(report)
}

/// As many callers as calls may be unanswered.
struct Callers {
    client: Client,
    rng: Rng,
    accounts: u64,
    outstanding: usize,
    waiting: VecDeque<(Instant, Pending<u64>)>,
    latency: Latency,
    books: Books,
}

impl Callers {
    /// Calls until `end`, and waits until all calls are answered. How many there were.
    fn run(&mut self, end: End) -> Result<u64, Failure> {
        self.latency.clear();
        let (began, before) = (Instant::now(), self.books.deposits);
        while !end.is_reached(began, self.books.deposits - before) {
            self.call();
            if self.waiting.len() >= self.outstanding {
                self.wait()?;
            }
        }
        while !self.waiting.is_empty() {
            self.wait()?;
        }
        Ok(self.books.deposits - before)
    }

    fn call(&mut self) {
        let (account, amount) = (self.rng.below(self.accounts), self.rng.below(100) + 1);
        self.books.add(amount);
        let client_key = format!("deposit-{:012}", self.books.deposits);
        let call = self.client.call(Account::at(account).deposit(amount)).with_key(&client_key);
        self.waiting.push_back((Instant::now(), call.start()));
    }

    fn wait(&mut self) -> Result<(), Failure> {
        if let Some((at, call)) = self.waiting.pop_front() {
            call.wait()?;
            self.latency.record(at.elapsed());
        }
        Ok(())
    }
}

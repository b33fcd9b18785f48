//! `cold`: deposits all over accounts that are many times larger, all together, than the cache.
//!
//! Nearly every request waits for its account to be read from the store. The figures to look at are the memory, beside
//! the cache's budget, and the loads.

use apostate_server::Producer;

use crate::arguments::{ColdArguments, HostArguments};
use crate::bank::{Account, Bank, Books};
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::machine;
use crate::orders::Rng;
use crate::report::{Report, merged};
use crate::stream::{End, Stream};

/// The cache, unless one is asked for: small, so that ten times as much is soon there.
const CACHE_BYTES: usize = 32 << 20;

/// Runs it.
pub(crate) fn run(arguments: &ColdArguments) -> Result<Report, Failure> {
    let ColdArguments { host, stream: asked, state_bytes, times } = arguments;
    let cache_bytes = host.cache_bytes.unwrap_or(CACHE_BYTES);
    let accounts = (cache_bytes as u64 * times / (*state_bytes).max(1) as u64).max(1);
    let host = Host::open::<Bank>(&HostArguments { cache_bytes: Some(cache_bytes), ..host.clone() })?;
    let mut parameters = merged(&host.parameters(), asked);
    parameters["state_bytes"] = (*state_bytes).into();
    parameters["times"] = (*times).into();
    parameters["accounts"] = accounts.into();
    let mut report = Report::new("cold", parameters);
    let mut stream = Stream::open(host.client(), "cold", asked)?;
    let mut rng = Rng::new(asked.pace.seed);
    let mut books = Books::default();

    let mut account = 0..accounts;
    stream.run(End::after(accounts), |producer, number| {
        let account = account.next().unwrap_or_default();
        producer.send(number, Account::at(account).print_statement(*state_bytes))
    })?;
    let filled = host.client().list::<Account>().count() as u64;
    check(filled == accounts, || format!("{accounts} accounts were filled, {filled} are there"))?;
    machine::forget_peak_memory();

    let mut deposit = |producer: &mut Producer, number| {
        let (account, amount) = (rng.below(accounts), rng.below(100) + 1);
        books.add(amount);
        producer.send(number, Account::at(account).deposit(amount))
    };
    stream.run(End::new(asked.pace.warm_up(), asked.pace.requests), &mut deposit)?;
    let begin = host.mark()?;
    let requests = stream.run(End::new(asked.pace.time(), asked.pace.requests), &mut deposit)?;
    host.client().settle()?;
    let end = host.mark()?;

    begin.report(&end, "request", requests, &mut report);
    report.set("outstanding", asked.outstanding);
    report.set("cache_bytes", cache_bytes);
    report.set("entity_bytes", host.entity_bytes());
    stream.latency().report(&mut report);
    books.audit(host.client())?;
    drop(stream);
    host.stop()?;
    Ok(report)
}

//! `hot`: every deposit is for one account, by the size of its state.
//!
//! One entity runs one handler at a time, and its state is encoded once a batch however many handlers ran: so the cost
//! of a large state is shared by the requests of a batch.

use apostate_server::Producer;
use serde_json::{Value, json};

use crate::arguments::HotArguments;
use crate::bank::{Account, Bank, Books};
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::report::{Report, merged};
use crate::stream::{End, Stream};

/// Runs it, for one size after the other. The report has the figures of the first, and those of each in a list.
pub(crate) fn run(arguments: &HotArguments) -> Result<Report, Failure> {
    let HotArguments { host, stream: asked, state_bytes: sizes } = arguments;
    check(!sizes.is_empty(), || "there is no size to measure".to_owned())?;
    let host = Host::open::<Bank>(host)?;
    let mut parameters = merged(&host.parameters(), asked);
    parameters["state_bytes"] = json!(sizes);
    let mut report = Report::new("hot", parameters);
    let mut stream = Stream::open(host.client(), "hot", asked)?;
    let mut books = Books::default();
    let mut all = Vec::new();
    for &state_bytes in sizes {
        let mut figures = Report::empty();
        host.client().call(Account::at(state_bytes as u64).print_statement(state_bytes)).wait()?;
        let mut deposit = |producer: &mut Producer, number| {
            books.add(5);
            producer.send(number, Account::at(state_bytes as u64).deposit(5))
        };
        stream.run(End::new(asked.pace.warm_up(), asked.pace.requests), &mut deposit)?;
        let begin = host.mark()?;
        let requests = stream.run(End::new(asked.pace.time(), asked.pace.requests), &mut deposit)?;
        host.client().settle()?;
        let end = host.mark()?;
        figures.set("state_bytes", state_bytes);
        begin.report(&end, "request", requests, &mut figures);
        stream.latency().report(&mut figures);
        all.push(figures);
    }
    report.take(all[0].clone());
    report.set("outstanding", asked.outstanding);
    report.set("by_state_bytes", all.into_iter().map(Value::from).collect::<Vec<_>>());
    books.audit(host.client())?;
    drop(stream);
    host.stop()?;
    Ok(report)
}

//! Lines of invoices as one numbered stream.
//!
//! Each line is a message to its invoice, numbered from 1 by its place in the log. The store remembers the numbers
//! in the same commit as their effects; so a stream may be sent again from its beginning at any time, and a line
//! that was applied before is a duplicate that changes nothing.

use apostate_server::{Client, ProducerAnswer};
use store::Invoice;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::row::Row;

/// How many lines go out between two looks at what has come back.
pub(crate) const LOOK_LINES: u64 = 4096;

/// The result of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fed {
    /// Lines that were taken, now or before.
    pub(crate) taken: u64,
    /// Those of them that had been counted before, if the store tells: it does when they have numbers.
    pub(crate) before: Option<u64>,
}

/// Sends `rows`, of which there are `total`, as the log called `log`; returns when all are durable.
pub(crate) fn feed(
    client: &Client,
    log: &str,
    total: u64,
    rows: impl Iterator<Item = Result<Row, Failure>>,
) -> Result<Fed, Failure> {
    let progress = Progress::of_lines("taking", total);
    let mut fed = Fed::numbered();
    let mut producer = client.producer(log)?;
    for (number, row) in (1..).zip(rows) {
        let Row { invoice, line } = row?;
        producer.send(number, Invoice::at(invoice).line(line))?;
        if number % LOOK_LINES == 0 {
            fed.take(producer.results())?;
            progress.at(fed.taken);
        }
    }
    while producer.unanswered() > 0 {
        fed.take(producer.wait_results()?)?;
        progress.at(fed.taken);
    }
    fed.take(producer.results())?;
    producer.finish()?;
    Ok(fed)
}

impl Fed {
    /// Nothing yet, of a numbered stream.
    pub(crate) fn numbered() -> Self {
        Self { taken: 0, before: Some(0) }
    }

    /// A line was taken before.
    pub(crate) fn was_before(&mut self) {
        self.before = self.before.map(|before| before + 1);
    }

    fn take(&mut self, results: Vec<(u64, ProducerAnswer)>) -> Result<(), Failure> {
        for (number, result) in results {
            match result {
                ProducerAnswer::Done { .. } | ProducerAnswer::Accepted => {}
                ProducerAnswer::Duplicate => self.was_before(),
                ProducerAnswer::Refused(refusal) => {
                    return Err(Failure::Line { number, source: refusal.to_string().into() });
                }
            }
            self.taken += 1;
        }
        Ok(())
    }
}

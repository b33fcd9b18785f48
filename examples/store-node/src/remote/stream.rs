//! Lines as one numbered stream over HTTP, as [`feed`](crate::feed) does it in the process.

use apostate_api::BulkEnding;
use apostate_api::BulkResult;
use apostate_api::client::Client;
use store::Invoice;

use crate::failure::Failure;
use crate::feed::{Fed, LOOK_LINES};
use crate::progress::Progress;
use crate::row::Row;

/// Sends `rows` as the log called `log`; returns when all are durable.
pub(crate) async fn feed(
    client: &Client,
    log: &str,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    progress: &Progress,
) -> Result<Fed, Failure> {
    let mut fed = Fed::numbered();
    let mut producer = client.producer(log)?;
    for (number, row) in (1..).zip(rows) {
        let Row { invoice, line } = row?;
        producer.send(number, Invoice::at(invoice).line(line)).await?;
        if number % LOOK_LINES == 0 {
            take(&mut fed, producer.results(), progress)?;
        }
    }
    while producer.unanswered() > 0 {
        take(&mut fed, producer.wait_results().await?, progress)?;
    }
    take(&mut fed, producer.results(), progress)?;
    producer.finish().await?;
    Ok(fed)
}

fn take(fed: &mut Fed, results: Vec<BulkResult>, progress: &Progress) -> Result<(), Failure> {
    for BulkResult { number, result, code, text, detail, .. } in results {
        match result {
            BulkEnding::Done | BulkEnding::Accepted => {}
            BulkEnding::Duplicate => fed.was_before(),
            BulkEnding::Refused => {
                let said: Vec<_> = [code, text, detail].into_iter().flatten().collect();
                return Err(Failure::Line { number, source: said.join(": ").into() });
            }
        }
        fed.taken += 1;
    }
    progress.at(fed.taken);
    Ok(())
}

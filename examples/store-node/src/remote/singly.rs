//! Each line as a call of its own, with a key that the invoice remembers: the same line called again, after a kill of
//! either side, is given the answer that it had.
//!
//! Many calls are under way at a time, so lines overtake each other. No total depends on their order.

use apostate_api::client::{Client, ClientError};
use store::Invoice;
use tokio::task::{JoinError, JoinSet};
use xxhash_rust::xxh3::xxh3_64;

use crate::failure::Failure;
use crate::feed::Fed;
use crate::progress::Progress;
use crate::row::Row;

/// A call that has ended: the line's number, and what came of it.
type Ended = Result<(u64, Result<(), ClientError>), JoinError>;

/// Sends `rows` as the log called `log`, `calls_max` at a time; returns when all are durable.
pub(crate) async fn feed(
    client: &Client,
    log: &str,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    calls_max: usize,
    progress: &Progress,
) -> Result<Fed, Failure> {
    let mut fed = Fed::default();
    let mut calls = JoinSet::new();
    // Two logs may have lines of the same invoice under the same number.
    let log = xxh3_64(log.as_bytes());
    for (number, row) in (1_u64..).zip(rows) {
        let Row { invoice, line } = row?;
        if calls.len() >= calls_max
            && let Some(ended) = calls.join_next().await
        {
            take(&mut fed, ended, progress)?;
        }
        let client = client.clone();
        calls.spawn(async move {
            let key = format!("{log:016x}-{number}");
            (number, client.call_once(&key, Invoice::at(invoice).line(line)).await)
        });
    }
    while let Some(ended) = calls.join_next().await {
        take(&mut fed, ended, progress)?;
    }
    Ok(fed)
}

fn take(fed: &mut Fed, ended: Ended, progress: &Progress) -> Result<(), Failure> {
    let (number, result) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    match result {
        Ok(()) => fed.taken += 1,
        Err(ClientError::Refused(refusal)) => {
            return Err(Failure::Line { number, source: refusal.to_string().into() });
        }
        Err(error) => return Err(error.into()),
    }
    progress.at(fed.taken);
    Ok(())
}

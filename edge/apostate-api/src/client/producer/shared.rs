//! What a producer and the task behind it share: messages on their way, and what the stream has told.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::client::error::ProducerError;
use crate::{BulkResult, ProducerSummary};

/// A message on its way, which takes its place in the window until it has a result.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Bytes,
    _place: OwnedSemaphorePermit,
}

/// What the stream has told so far.
#[derive(Debug)]
pub(crate) struct Told {
    so_far: Mutex<SoFar>,
    pub(crate) news: Notify,
}

/// Results and the end, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct SoFar {
    pub(crate) summary: ProducerSummary,
    /// None if they are only counted.
    pub(crate) results: Option<Vec<BulkResult>>,
    pub(crate) broken: Option<ProducerError>,
}

impl Line {
    pub(crate) fn new(number: u64, text: Bytes, place: OwnedSemaphorePermit) -> Self {
        Self { number, text, _place: place }
    }
}

impl Told {
    pub(crate) fn new() -> Self {
        let so_far = Mutex::new(SoFar { results: Some(Vec::new()), ..SoFar::default() });
        Self { so_far, news: Notify::new() }
    }

    /// Shows what was told so far, or changes it.
    pub(crate) fn with<T>(&self, see: impl FnOnce(&mut SoFar) -> T) -> T {
        // Nobody panics while holding it, and figures stay figures.
        see(&mut self.so_far.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a result.
    pub(crate) fn result(&self, result: BulkResult) {
        self.with(|so_far| {
            let SoFar { summary, results, broken: _ } = so_far;
            summary.count(result.result);
            if let Some(results) = results {
                results.push(result);
            }
        });
    }
}

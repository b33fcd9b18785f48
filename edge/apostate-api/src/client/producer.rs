//! A producer: a stream of numbered messages over HTTP, each applied once for ever.
//!
//! ```text
//!   Producer ──▶ lines ──▶ task ──▶ POST /messages ──▶ node      what has no result yet is kept,
//!      ▲                    │                            │       and sent again when the
//!      └──── results ◀──────┴────────────────────────────┘       connection breaks
//! ```
//!
//! The node knows a producer's messages by their numbers, so what is sent again and was applied is a *duplicate*. A
//! producer that starts again may begin at any number that it knows to be answered, or at the first, unless it was silent for so long that
//! it is forgotten ([`ErrorCode::ProducerForgotten`]). It may
//! only repeat what it sent before: a number that it once passed over is lost for ever, see
//! [`BulkEnding::Duplicate`](crate::BulkEnding::Duplicate).

mod runner;
mod shared;

use std::sync::Arc;

use apostate_core::{Call, EntityKey, FromOutside, Handlers, Writes};
use bytes::Bytes;
use hyper::header::HeaderValue;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::client::error::{ClientError, ProducerError};
use crate::client::producer::runner::Runner;
use crate::client::producer::shared::{Line, Told};
use crate::client::setup::Client;
use crate::client::typed::row_of;
use crate::{BulkResult, ErrorCode, NUMBER_MAX, Problem, ProducerSummary};

/// How many messages may be without a result.
const WINDOW: usize = 8192;

/// A producer's open stream.
///
/// Dropped, it sends what it was given, and forgets what becomes of it: [`finish`](Self::finish) waits.
#[derive(Debug)]
pub struct Producer {
    lines: Option<mpsc::Sender<Line>>,
    window: Arc<Semaphore>,
    told: Arc<Told>,
    task: JoinHandle<()>,
    highest: u64,
}

impl Producer {
    pub(crate) fn open(client: Client, name: &EntityKey) -> Result<Self, ClientError> {
        check_name(name)?;
        let (lines, incoming) = mpsc::channel(WINDOW);
        let told = Arc::new(Told::new());
        let window = Arc::new(Semaphore::new(WINDOW));
        let runner = Runner::new(client, name, incoming, Arc::clone(&told), Arc::clone(&window));
        Ok(Self { lines: Some(lines), window, told, task: tokio::spawn(runner.run()), highest: 0 })
    }

    /// Only counts results from now on, and keeps none for [`results`](Self::results).
    pub fn count_only(&mut self) -> &mut Self {
        self.told.with(|so_far| so_far.results = None);
        self
    }

    /// Sends `call` as message `number`, which must be higher than all before it. Waits while too many have no result.
    ///
    /// # Errors
    ///
    /// See [`ProducerError`]. After [`ProducerError::Ended`] and [`ProducerError::Broken`] every other call gives the same error.
    pub async fn send<E, R, S, A>(&mut self, number: u64, call: Call<E, R, S, A>) -> Result<(), ProducerError>
    where
        E: Handlers,
        S: Writes,
        A: FromOutside,
    {
        let unreadable = |detail: String| ProducerError::Unreadable { number, detail };
        let row = row_of(&call).map_err(|error: ClientError| unreadable(error.to_string()))?;
        let to = call.to?;
        let arguments = (row.arguments.show)(&call.body).map_err(|error| unreadable(error.to_string()))?;
        self.push(number, line(number, (E::NAME, to.key()), row.name, &arguments)).await
    }

    /// As [`send`](Self::send), for a message whose types are not known.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub async fn send_json(
        &mut self,
        number: u64,
        kind: &str,
        key: &EntityKey,
        handler: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(), ProducerError> {
        let arguments = serde_json::to_vec(arguments)
            .map_err(|error| ProducerError::Unreadable { number, detail: error.to_string() })?;
        self.push(number, line(number, (kind, key), handler, &arguments)).await
    }

    async fn push(&mut self, number: u64, text: Bytes) -> Result<(), ProducerError> {
        self.check()?;
        if number <= self.highest || number > NUMBER_MAX {
            return Err(ProducerError::NotAscending { number, highest: self.highest });
        }
        let place = Arc::clone(&self.window).acquire_owned().await;
        let (Ok(place), Some(lines)) = (place, &self.lines) else { return self.check() };
        self.highest = number;
        // If nobody takes it any more, the stream has ended, and says why.
        let _ = lines.send(Line::new(number, text, place)).await;
        self.check()
    }

    /// What became of messages since the last call, in the order in which it became known. Does not wait.
    pub fn results(&mut self) -> Vec<BulkResult> {
        self.told.with(|so_far| so_far.results.as_mut().map(std::mem::take)).unwrap_or_default()
    }

    /// As [`results`](Self::results), and waits until there is one, unless every message has its result.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Ended`] and [`ProducerError::Broken`], when there is none and there will be none.
    pub async fn wait_results(&mut self) -> Result<Vec<BulkResult>, ProducerError> {
        loop {
            let is_done = self.unanswered() == 0;
            let results = self.results();
            if !results.is_empty() {
                return Ok(results);
            }
            self.check()?;
            if is_done {
                return Ok(results);
            }
            self.told.news.notified().await;
        }
    }

    /// How many messages have no result.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        WINDOW.saturating_sub(self.window.available_permits())
    }

    /// What became of all messages so far.
    #[must_use]
    pub fn summary(&self) -> ProducerSummary {
        self.told.with(|so_far| so_far.summary)
    }

    /// Waits for every result.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Ended`] and [`ProducerError::Broken`].
    pub async fn finish(mut self) -> Result<ProducerSummary, ProducerError> {
        self.lines = None;
        if let Err(error) = (&mut self.task).await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
        self.check()?;
        Ok(self.summary())
    }

    fn check(&self) -> Result<(), ProducerError> {
        self.told.with(|so_far| so_far.broken.clone()).map_or(Ok(()), Err)
    }
}

/// A message as a line, its arguments as they are written.
fn line(number: u64, (kind, key): (&str, &EntityKey), handler: &str, arguments: &[u8]) -> Bytes {
    let (entity, handler) = (json!({ "kind": kind, "key": key.as_str() }), json!(handler));
    let head = format!(r#"{{"number":{number},"entity":{entity},"handler":{handler},"arguments":"#);
    [head.as_bytes(), arguments, b"}\n"].concat().into()
}

/// What a header field cannot carry is no name, and neither is what loses the spaces around it on the way: it would be another's.
fn check_name(name: &EntityKey) -> Result<(), ClientError> {
    let bytes = name.as_bytes();
    if HeaderValue::from_bytes(bytes).is_ok() && bytes.trim_ascii() == bytes {
        return Ok(());
    }
    let detail = "a producer's name has neither control characters nor spaces around it";
    Err(ClientError::Problem(Box::new(Problem::new(ErrorCode::BadProducer, detail))))
}

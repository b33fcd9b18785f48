//! A producer: a stream of numbered messages over HTTP, each applied once for ever.
//!
//! ```text
//!   Producer ──▶ lines ──▶ task ──▶ POST /messages ──▶ node      what has no result yet is kept,
//!      ▲                    │                            │       and sent again when the
//!      └──── results ◀──────┴────────────────────────────┘       connection breaks
//! ```
//!
//! The node knows a producer's messages by their numbers, so what is sent again and was applied is a *duplicate*. A
//! producer that starts again, be it years later, may begin at any number that it knows to be answered, or at the first. It may
//! only repeat what it sent before: a number that it once passed over is lost for ever, see
//! [`BulkEnding::Duplicate`](crate::BulkEnding::Duplicate).

mod runner;

use std::sync::{Arc, Mutex, PoisonError};

use apostate_core::{Call, EntityKey, FromOutside, Handlers, KeyError};
use bytes::Bytes;
use reqwest::header::HeaderValue;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::client::producer::runner::Runner;
use crate::client::{Client, ClientError, Writes, row_of};
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

/// A message on its way, which takes its place in the window until it has a result.
#[derive(Debug)]
struct Line {
    number: u64,
    text: Bytes,
    _place: OwnedSemaphorePermit,
}

/// What the stream has told so far.
#[derive(Debug, Default)]
struct Told {
    so_far: Mutex<SoFar>,
    news: Notify,
}

#[derive(Debug, Default)]
struct SoFar {
    summary: ProducerSummary,
    /// None if they are only counted.
    results: Option<Vec<BulkResult>>,
    broken: Option<ProducerError>,
}

/// Why a producer's stream does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// Numbers ascend from message to message, from 1 to [`NUMBER_MAX`]. Nothing was sent.
    #[error("message {number} comes after message {highest}; numbers ascend, from 1 to {NUMBER_MAX}")]
    NotAscending {
        /// The number.
        number: u64,
        /// The highest before it.
        highest: u64,
    },
    /// What was given for the key of a message's entity cannot be one. Nothing was sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message cannot be written as JSON. Nothing was sent.
    #[error("message {number} cannot be sent: {detail}")]
    Unreadable {
        /// The message.
        number: u64,
        /// In what way.
        detail: String,
    },
    /// The node will not have the stream, and says why. Right that, open a new one, and send again from `resume_from` on.
    #[error("the stream ended: {} ({}); send again from message {resume_from} on", problem.detail, problem.code)]
    Ended {
        /// What the node says.
        problem: Box<Problem>,
        /// The first message that is not known to be durable.
        resume_from: u64,
    },
    /// The node could not be reached for as long as the client's deadline. Open a new stream when it is there again, and send
    /// again from `resume_from` on.
    #[error("the stream broke: {detail}; send again from message {resume_from} on")]
    Broken {
        /// What happened.
        detail: String,
        /// The first message that is not known to be durable.
        resume_from: u64,
    },
}

impl Producer {
    pub(crate) fn open(client: Client, name: &EntityKey) -> Result<Self, ClientError> {
        check_name(name)?;
        let (lines, incoming) = mpsc::channel(WINDOW);
        let so_far = Mutex::new(SoFar { results: Some(Vec::new()), ..SoFar::default() });
        let told = Arc::new(Told { so_far, news: Notify::new() });
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
        let _ = lines.send(Line { number, text, _place: place }).await;
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

impl Told {
    fn with<T>(&self, see: impl FnOnce(&mut SoFar) -> T) -> T {
        // Nobody panics while holding it, and figures stay figures.
        see(&mut self.so_far.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn result(&self, result: BulkResult) {
        self.with(|so_far| {
            let SoFar { summary, results, broken: _ } = so_far;
            summary.count(result.result);
            if let Some(results) = results {
                results.push(result);
            }
        });
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

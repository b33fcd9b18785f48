//! How a request is asked, and asked again: until there is an answer, the time is over, or the bucket is empty.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Response};

use crate::client::answer::{Attempt, Miss, Missed, begun, refused, whole};
use crate::client::error::ClientError;
use crate::client::key::{check_key, quoted};
use crate::client::setup::Client;
use crate::client::{path, retry};

/// An attempt with less time than this is not begun: of one that is cut short nobody would know anything.
const ATTEMPT_MIN: Duration = Duration::from_millis(100);

/// The node is told at most so much less time than there is, so that its own word comes in time.
const NODE_SOONER: Duration = Duration::from_millis(100);

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// The segments of its path.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<Vec<u8>>,
    /// With a key it can be asked again, whatever became of it.
    pub(crate) key: Option<&'a str>,
    /// Whether its reply is not wanted.
    pub(crate) is_async: bool,
    /// Which form the answer has to have, if there are several.
    pub(crate) accept: Option<&'static str>,
}

impl Ask<'_> {
    /// A request that reads.
    pub(crate) fn get(path: Vec<String>) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), body: None, key: None, is_async: false, accept: None }
    }

    /// Whether it only reads: then there is nothing that may have been done.
    fn is_reading(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether it may be asked again when nobody knows whether it was done.
    fn is_repeatable(&self) -> bool {
        self.key.is_some() || self.is_reading()
    }
}

impl Client {
    /// Asks until there is an answer.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ClientError> {
        self.insist(ask, |patience| self.attempt(ask, patience, whole)).await
    }

    /// Asks until an answer begins.
    pub(crate) async fn open(&self, ask: &Ask<'_>) -> Result<Response, ClientError> {
        self.insist(ask, |patience| self.attempt(ask, patience, begun)).await
    }

    async fn insist<T, F>(&self, ask: &Ask<'_>, attempt: impl Fn(Duration) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Attempt<T>>,
    {
        ask.key.map_or(Ok(()), check_key)?;
        let until = Instant::now() + self.deadline;
        let mut was_unknown = None;
        for number in 0.. {
            let left = until.saturating_duration_since(Instant::now());
            let Missed { why, retry_after } = match attempt(left.min(self.attempt)).await {
                Ok(answer) => {
                    self.budget.give();
                    return settled(answer, was_unknown, ask);
                }
                Err(missed) => missed,
            };
            let is_free = matches!(why, Miss::Away(_));
            let error = if why.is_unknown() && !ask.is_reading() {
                let detail = why.detail();
                was_unknown = Some(detail.clone());
                ClientError::Unknown { key: ask.key.map(str::to_owned), detail }
            } else {
                why.into_error(&self.base)
            };
            let wait = retry::wait(number, retry_after);
            let is_over = Instant::now() + wait + ATTEMPT_MIN >= until;
            let is_allowed = self.asks_again && (was_unknown.is_none() || ask.is_repeatable());
            if is_over || !is_allowed || !(is_free || self.budget.take()) {
                return settled(Err(error), was_unknown, ask);
            }
            tokio::time::sleep(wait).await;
        }
        unreachable!("there is always another number")
    }

    /// Asks once. `read` takes what comes after the head of an answer that says yes.
    async fn attempt<T, F>(&self, ask: &Ask<'_>, patience: Duration, read: impl Fn(Response) -> F) -> Attempt<T>
    where
        F: Future<Output = Attempt<T>>,
    {
        let answer = async {
            let response = match self.request_of(ask, patience).send().await {
                // What is no request was not sent. Of all that makes one, what a look asks alone has no bound of its own.
                Err(error) if error.is_builder() => return Ok(Err(ClientError::TooLong)),
                response => response?,
            };
            match response.status().is_success() {
                true => read(response).await,
                false => refused(response).await,
            }
        };
        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| Err(Missed::silent_for(patience)))
    }

    fn request_of(&self, ask: &Ask<'_>, patience: Duration) -> reqwest::RequestBuilder {
        let mut request = self.request(ask.method.clone(), &ask.path, &ask.query);
        let node_patience = patience - (patience / 10).min(NODE_SOONER);
        request = request.header("deadline-ms", node_patience.as_millis().max(1).to_string());
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", quoted(key));
        }
        if ask.is_async {
            request = request.header("prefer", "respond-async");
        }
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        request
    }

    /// A request as every one begins.
    pub(crate) fn request(&self, method: Method, path: &[String], query: &[(&str, String)]) -> reqwest::RequestBuilder {
        let request = self.http.request(method, path::below(&self.base, path, query));
        match &self.authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        }
    }
}

/// An answer, after attempts of which nobody knows. A reply and a refusal are remembered with the key: an earlier attempt that was
/// done has given the same, and one that is on its way still will. That a handler panicked is not remembered, so an earlier attempt
/// may yet be done; and what was said at the door says nothing of it.
fn settled<T>(answer: Result<T, ClientError>, was_unknown: Option<String>, ask: &Ask<'_>) -> Result<T, ClientError> {
    match (answer, was_unknown) {
        (Err(error), Some(detail)) if !is_remembered(&error) => {
            let detail = format!("{detail}; then: {error}");
            Err(ClientError::Unknown { key: ask.key.map(str::to_owned), detail })
        }
        (answer, _) => answer,
    }
}

/// Whether it holds for every attempt with the same key, or says already that nobody knows.
fn is_remembered(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(_) | ClientError::Unshown(_) | ClientError::Unknown { .. })
}

//! How a request is asked, and asked again: until there is an answer, the time is over, or the bucket is empty.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::InvalidUri;
use hyper::{Method, Request};
use tokio::time::timeout;

use crate::client::answer::{Attempt, Miss, Missed, begun, refused, whole};
use crate::client::error::ClientError;
use crate::client::key::{check_key, quoted};
use crate::client::pool::Place;
use crate::client::response::{Response, send};
use crate::client::setup::Client;
use crate::client::stream::Outgoing;
use crate::client::{path, retry};

/// An attempt with less time than this is not begun: of one that is cut short nobody would know anything.
const ATTEMPT_MIN: Duration = Duration::from_millis(100);

/// The node is told at most so much less time than there is, so that its own word comes in time.
const NODE_SOONER: Duration = Duration::from_millis(100);

/// About as many fields as the head of a request has.
const HEADERS: usize = 8;

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Below the path of the node's URL.
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<Bytes>,
    /// With a key it can be asked again, whatever became of it.
    pub(crate) key: Option<&'a str>,
    /// Whether its reply is not wanted.
    pub(crate) is_async: bool,
    /// Which form the answer has to have, if there are several.
    pub(crate) accept: Option<&'static str>,
    /// Whether its answer lasts for as long as its reader likes.
    pub(crate) is_stream: bool,
}

impl Ask<'_> {
    /// A request that reads.
    pub(crate) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            key: None,
            is_async: false,
            accept: None,
            is_stream: false,
        }
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
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Bytes, ClientError> {
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
        // What is no request is not sent. Of all that makes one, what a look asks alone has no bound of its own.
        let Ok(mut request) = self.request_of(ask) else { return Ok(Err(ClientError::TooLong)) };
        let until = Instant::now() + patience;
        let place = match ask.is_stream {
            true => Place::of_stream(),
            false => self.pool.place(patience).await.map_err(Miss::Away)?,
        };
        let left = until.saturating_duration_since(Instant::now());
        let node_patience = left - (left / 10).min(NODE_SOONER);
        let millis = u64::try_from(node_patience.as_millis()).unwrap_or(u64::MAX).max(1);
        request.headers_mut().insert(HeaderName::from_static("deadline-ms"), millis.into());
        let is_sent = AtomicBool::new(false);
        let answer = async {
            let response = send(&self.pool, place, request, &is_sent).await?;
            match response.is_success() {
                true => read(response).await,
                false => refused(response).await,
            }
        };
        timeout(left, answer).await.unwrap_or_else(|_| match is_sent.load(Ordering::Relaxed) {
            true => Err(Missed::silent_for(patience)),
            false => Err(Miss::Away(format!("no connection for {left:.1?}")).into()),
        })
    }

    fn request_of(&self, ask: &Ask<'_>) -> Result<Request<Outgoing>, hyper::http::Error> {
        let body = Outgoing::Whole(ask.body.clone());
        let mut request = self.request(ask.method.clone(), &ask.path, &ask.query, body)?;
        let headers = request.headers_mut();
        if let Some(key) = ask.key {
            headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::try_from(quoted(key))?);
        }
        if ask.is_async {
            headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static("respond-async"));
        }
        if let Some(accept) = ask.accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        if ask.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    /// A request as every one begins.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Outgoing,
    ) -> Result<Request<Outgoing>, InvalidUri> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path::below(&self.base, path, query)?;
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(HOST, self.host.clone());
        headers.extend(self.authorization.clone().map(|authorization| (AUTHORIZATION, authorization)));
        *request.headers_mut() = headers;
        Ok(request)
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

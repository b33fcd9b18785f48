//! How a request is asked, and asked again: until there is an answer, the time is over, or the bucket is empty.

use std::time::{Duration, Instant};

use apostate_core::Refusal;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response};

use crate::client::{Client, ClientError, error, path, retry};
use crate::{ErrorCode, Problem};

/// An attempt with less time than this is not begun: of one that is cut short nobody would know anything.
const ATTEMPT_MIN: Duration = Duration::from_millis(100);

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
}

impl Ask<'_> {
    /// A request that reads.
    pub(crate) fn get(path: Vec<String>) -> Self {
        Self { method: Method::GET, path, query: Vec::new(), body: None, key: None, is_async: false }
    }

    /// Whether it may be asked again when nobody knows whether it was done.
    fn is_repeatable(&self) -> bool {
        self.key.is_some() || self.method == Method::GET
    }
}

/// What one attempt came to.
enum Attempt {
    /// An answer that stands.
    Answered(Result<Vec<u8>, ClientError>),
    /// It was not done: nobody was at home.
    Away(String),
    /// It was not done, and may be later.
    NotYet(Box<Problem>, Option<Duration>),
    /// Nobody knows.
    Unknown(String, Option<Duration>),
}

impl Client {
    /// Asks until there is an answer.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ClientError> {
        let until = Instant::now() + self.deadline;
        let mut was_unknown = None;
        for number in 0.. {
            let left = until.saturating_duration_since(Instant::now());
            let attempt = self.attempt(ask, left.min(self.attempt)).await;
            let (is_free, retry_after, error) = match attempt {
                Attempt::Answered(answer) => {
                    self.budget.give();
                    return settled(answer, was_unknown, ask);
                }
                Attempt::Away(detail) => (true, None, ClientError::Unreachable { url: self.base.to_string(), detail }),
                Attempt::NotYet(problem, wait) => (false, wait, ClientError::Problem(problem)),
                Attempt::Unknown(detail, wait) => {
                    was_unknown = Some(detail.clone());
                    (false, wait, ClientError::Unknown { key: ask.key.map(str::to_owned), detail })
                }
            };
            let wait = retry::wait(number, retry_after);
            let is_over = Instant::now() + wait + ATTEMPT_MIN >= until;
            let is_allowed = was_unknown.is_none() || ask.is_repeatable();
            if is_over || !is_allowed || !(is_free || self.budget.take()) {
                return settled(Err(error), was_unknown, ask);
            }
            tokio::time::sleep(wait).await;
        }
        unreachable!("there is always another number")
    }

    async fn attempt(&self, ask: &Ask<'_>, patience: Duration) -> Attempt {
        let mut request = self.request(ask.method.clone(), &ask.path, &ask.query).timeout(patience);
        request = request.header("deadline-ms", patience.as_millis().max(1).to_string());
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", quoted(key));
        }
        if ask.is_async {
            request = request.header("prefer", "respond-async");
        }
        if let Some(body) = &ask.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) if error.is_connect() => Attempt::Away(error::chain(&error.without_url())),
            Err(error) => Attempt::Unknown(error::chain(&error.without_url()), None),
        }
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

async fn answer(response: Response) -> Attempt {
    let is_done = response.status().is_success();
    let status = response.status().as_u16();
    let retry_after = retry_after(&response);
    let body = match response.bytes().await {
        Ok(body) => body.to_vec(),
        Err(error) => return Attempt::Unknown(error::chain(&error.without_url()), retry_after),
    };
    if is_done {
        return Attempt::Answered(Ok(body));
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => judged(problem, retry_after),
        // Something between us and the node, or no node at all.
        Err(_) => {
            let detail = format!("what answers there is no node: status {status}");
            Attempt::Unknown(detail, retry_after)
        }
    }
}

/// How long the node asks to be left alone.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// What a problem means for a caller who would ask again.
fn judged(problem: Problem, retry_after: Option<Duration>) -> Attempt {
    match problem.error_code() {
        Some(ErrorCode::Refused) => Attempt::Answered(Err(ClientError::Refused(refusal_of(problem)))),
        Some(ErrorCode::OutcomeUnknown | ErrorCode::Internal) => Attempt::Unknown(problem.detail, retry_after),
        // A newer node's 5xx: it may mean anything.
        None if problem.status >= 500 => Attempt::Unknown(problem.detail, retry_after),
        _ if problem.is_retryable() => Attempt::NotYet(Box::new(problem), retry_after),
        _ => Attempt::Answered(Err(ClientError::Problem(Box::new(problem)))),
    }
}

fn refusal_of(problem: Problem) -> Refusal {
    let Problem { refusal, status, detail, .. } = problem;
    let refusal = match refusal {
        Some(refusal) => Refusal::with_code(refusal.code, refusal.text),
        None => Refusal::new(detail),
    };
    refusal.with_status(status)
}

/// An answer, after attempts of which nobody knows. Had one of those been done, the entity would have said so: its own answers
/// stand. What was said at the door says nothing of them.
fn settled(
    answer: Result<Vec<u8>, ClientError>,
    was_unknown: Option<String>,
    ask: &Ask<'_>,
) -> Result<Vec<u8>, ClientError> {
    match (answer, was_unknown) {
        (Err(error), Some(detail)) if ask.method != Method::GET && !is_of_the_entity(&error) => {
            let detail = format!("{detail}; then: {error}");
            Err(ClientError::Unknown { key: ask.key.map(str::to_owned), detail })
        }
        (answer, _) => answer,
    }
}

fn is_of_the_entity(error: &ClientError) -> bool {
    matches!(error.code(), Some(ErrorCode::Refused | ErrorCode::HandlerPanicked))
        || matches!(error, ClientError::Unknown { .. })
}

/// A key as a structured field has it.
fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

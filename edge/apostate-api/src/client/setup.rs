//! A client before its first request: the node that it asks, what it shows there, and for how long it asks.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use url::{Position, Url};

use crate::client::connect::Connector;
use crate::client::error::SetupError;
use crate::client::pool::Pool;
use crate::client::retry::Budget;
use crate::client::tls::{Authorities, Tls};

/// How long a call is asked, again and again, unless [`Client::with_deadline`] says otherwise.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(30);

/// How long one attempt waits for its answer, unless [`Client::with_attempt`] says otherwise.
const ATTEMPT_DEFAULT: Duration = Duration::from_secs(10);

/// The longest time that means anything: a year.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// How many repetitions a client has before answers fill its bucket again, unless [`Client::with_retries`] says otherwise.
const RETRIES_DEFAULT: u32 = 500;

/// How many connections a client has at most, unless [`Client::with_connections`] says otherwise.
const CONNECTIONS_DEFAULT: usize = 512;

/// Talks to a node. Cheap to clone; clones share connections and the bucket of repetitions.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) pool: Arc<Pool>,
    pub(crate) base: Url,
    pub(crate) host: HeaderValue,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) deadline: Duration,
    pub(crate) attempt: Duration,
    pub(crate) asks_again: bool,
}

impl Client {
    /// A client of the node at `url`, such as `http://127.0.0.1:7070`. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// When `url` is none, or not one of HTTP, or has a name and a password. `https://` takes the feature `tls`.
    pub fn new(url: &str) -> Result<Self, SetupError> {
        Self::over(url, None)
    }

    /// The same, for a node behind `https://` that shows a certificate of these authorities, in PEM, and of no others.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `authorities` has no certificate.
    #[cfg(feature = "tls")]
    pub fn trusting(url: &str, authorities: &[u8]) -> Result<Self, SetupError> {
        Self::over(url, Some(Authorities::of(authorities)?))
    }

    fn over(url: &str, authorities: Option<Authorities>) -> Result<Self, SetupError> {
        let no_url =
            |why: String| SetupError::Url(format!("`{url}` is no URL of a node such as `http://host:7070`{why}"));
        let mut base = Url::parse(url).map_err(|error| no_url(format!(": {error}")))?;
        // URLs are told in errors; what is secret has no place in them.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SetupError::Url("a node wants a token, and no name and password in its URL".to_owned()));
        }
        let tls = match base.scheme() {
            "http" => None,
            "https" => Some(Tls::with(&base, authorities)?.ok_or_else(|| no_url(String::new()))?),
            _ => return Err(no_url(String::new())),
        };
        // What is behind the host is kept, for nodes behind a proxy; paths are appended to it.
        base.set_query(None);
        base.set_fragment(None);
        let host = HeaderValue::try_from(&base[Position::BeforeHost..Position::AfterPort]);
        let host = host.map_err(|error| no_url(format!(": {error}")))?;
        let pool = Arc::new(Pool::new(Connector::new(&base, tls)?, CONNECTIONS_DEFAULT));
        let budget = Arc::new(Budget::new(RETRIES_DEFAULT));
        let (deadline, attempt) = (DEADLINE_DEFAULT, ATTEMPT_DEFAULT);
        Ok(Self { pool, base, host, authorization: None, budget, deadline, attempt, asks_again: true })
    }

    /// The same, with the node's token.
    ///
    /// # Errors
    ///
    /// When `token` cannot stand in a header field.
    pub fn with_token(mut self, token: &str) -> Result<Self, SetupError> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| SetupError::Token)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// The same, with another time until which a request is asked again: 30 seconds unless said otherwise, and a year at most.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(TIME_MAX), ..self }
    }

    /// The same, with another time that one attempt waits for its answer: 10 seconds unless said otherwise, and a year at most.
    #[must_use]
    pub fn with_attempt(self, attempt: Duration) -> Self {
        Self { attempt: attempt.min(TIME_MAX), ..self }
    }

    /// The same, with connections of its own, so many at most: 512 unless said otherwise. Each has one request at a time, and
    /// callers beyond that wait for one. Lists and producers have a connection each beside them.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { pool: Arc::new(self.pool.resized(connections)), ..self }
    }

    /// The same, with a bucket of its own that holds so many repetitions: 500 unless said otherwise. Every tenth answer gives
    /// one back. An attempt that found nobody at home costs nothing.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        Self { budget: Arc::new(Budget::new(retries)), ..self }
    }

    /// The same, for a person who waits and decides: each request is asked once, for `patience` at most, and whoever is not at
    /// home is not waited for. Producers alone still open another connection when theirs breaks.
    #[must_use]
    pub fn asking_once(self, patience: Duration) -> Self {
        Self { asks_again: false, ..self.with_deadline(patience).with_attempt(patience) }
    }
}

//! The client: talks to a node over HTTP, in the types of the application.
//!
//! ```no_run
//! # use apostate::prelude::*;
//! # #[entity(name = "stock")]
//! # #[derive(Default, Serialize, Deserialize)]
//! # pub struct Stock { on_hand: u32 }
//! # #[handlers]
//! # impl Stock {
//! #     #[open]
//! #     pub fn receive(&mut self, units: u32) -> u32 { self.on_hand += units; self.on_hand }
//! # }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use apostate_api::client::Client;
//!
//! let client = Client::new("http://127.0.0.1:7070")?;
//! let level: u32 = client.call(Stock::at("tea").receive(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A call that got no answer may have been done. So each call has a key of its own, and is asked again with it until
//! there is an answer or its deadline passes: however often it is asked, it is done once. What is left then is
//! [`ClientError::Unknown`], and never a guess.
//!
//! Asking again is paced with growing waits, and paid for from a bucket that answers fill: a node that has too much to do
//! is not asked for more.
//!
//! Reading order: [`Client`]; [`ClientError`]; `asking`, how a request is repeated; `answer`, what an answer means for that;
//! `operators`, what needs no types; [`Listing`], all of a kind; [`Producer`], a stream of numbered messages.

mod answer;
mod asking;
mod error;
mod listing;
mod operators;
mod path;
mod producer;
mod retry;
mod stream;
mod tls;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apostate_core::{Call, FromOutside, HandlerInfo, Handlers, ReadOnly, ToKey, decode};
pub use apostate_core::{EntityKey, KeyError, Refusal, Writes};
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use crate::ProducerSummary;
use crate::client::asking::Ask;
pub use crate::client::error::{ClientError, SetupError};
pub use crate::client::listing::Listing;
pub use crate::client::producer::{Producer, ProducerError};
use crate::client::retry::Budget;
use crate::{EntityItem, EntityState, Page, paths};

/// How long a call is asked, again and again, unless [`Client::with_deadline`] says otherwise.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(30);

/// How long one attempt waits for its answer, unless [`Client::with_attempt`] says otherwise.
const ATTEMPT_DEFAULT: Duration = Duration::from_secs(10);

/// The longest time that means anything: a year.
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// 2024, counted from 1970: a clock that says less was never set.
const CLOCK_MIN: Duration = Duration::from_secs(1_704_067_200);

/// How many repetitions a client has before answers fill its bucket again, unless [`Client::with_retries`] says otherwise.
const RETRIES_DEFAULT: u32 = 500;

/// How long a connection may take to open.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Talks to a node. Cheap to clone; clones share connections and the bucket of repetitions.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    budget: Arc<Budget>,
    deadline: Duration,
    attempt: Duration,
    asks_again: bool,
}

impl Client {
    /// A client of the node at `url`, such as `http://127.0.0.1:7070`. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// When `url` is none, or not one of HTTP, or has a name and a password. `https://` takes the feature `tls`.
    pub fn new(url: &str) -> Result<Self, SetupError> {
        Self::over(url, reqwest::Client::builder())
    }

    /// The same, for a node behind `https://` that shows a certificate of these authorities, in PEM, and of no others.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `authorities` has no certificate.
    #[cfg(feature = "tls")]
    pub fn trusting(url: &str, authorities: &[u8]) -> Result<Self, SetupError> {
        Self::over(url, tls::trusting(reqwest::Client::builder(), authorities)?)
    }

    fn over(url: &str, http: reqwest::ClientBuilder) -> Result<Self, SetupError> {
        let no_url =
            |why: String| SetupError::Url(format!("`{url}` is no URL of a node such as `http://host:7070`{why}"));
        let mut base = Url::parse(url).map_err(|error| no_url(format!(": {error}")))?;
        if !tls::is_spoken(base.scheme()) || base.host().is_none() {
            return Err(no_url(String::new()));
        }
        // URLs are told in errors; what is secret has no place in them.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SetupError::Url("a node wants a token, and no name and password in its URL".to_owned()));
        }
        // What is behind the host is kept, for nodes behind a proxy; paths are appended to it.
        base.set_query(None);
        base.set_fragment(None);
        let http = http
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_PATIENCE)
            .build()
            .map_err(|error| SetupError::Http(error::cause(&error)))?;
        let budget = Arc::new(Budget::new(RETRIES_DEFAULT));
        let (deadline, attempt) = (DEADLINE_DEFAULT, ATTEMPT_DEFAULT);
        Ok(Self { http, base, authorization: None, budget, deadline, attempt, asks_again: true })
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

    /// Calls an entity. Its answer is its reply, once all that the call did is durable. It is done once, however often it has
    /// to be asked.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; after [`ClientError::Unknown`] and [`ClientError::Unreadable`] alone it may have been done, and after
    /// [`ClientError::Unshown`] it was.
    pub async fn call<E, R, S, A>(&self, call: Call<E, R, S, A>) -> Result<R, ClientError>
    where
        E: Handlers,
        R: DeserializeOwned,
        S: Writes,
        A: FromOutside,
    {
        self.call_once(&new_key(), call).await
    }

    /// As [`call`](Self::call), with a key of the caller's own, of 1 to 255 characters of ASCII: whoever asks again with the
    /// same key, be it after a restart of the caller, is given the same answer.
    ///
    /// That holds for as long as the node remembers keys (its setting `client-key-retention`, a day unless said otherwise). Later,
    /// a key that says when it was made, as those of [`new_key`] do, is refused with `client-key-expired`, and nothing is done;
    /// with any other key the call is done again.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    pub async fn call_once<E, R, S, A>(&self, key: &str, call: Call<E, R, S, A>) -> Result<R, ClientError>
    where
        E: Handlers,
        R: DeserializeOwned,
        S: Writes,
        A: FromOutside,
    {
        let row = row_of(&call)?;
        let ask = Ask { key: Some(key), ..ask_of(row, call)? };
        let answer = self.ask(&ask).await?;
        reply(row, &answer)
    }

    /// Looks at an entity. What is seen is durable, and no older than this call.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn read<E, R, A>(&self, call: Call<E, R, ReadOnly, A>) -> Result<R, ClientError>
    where
        E: Handlers,
        R: DeserializeOwned,
        A: FromOutside,
    {
        let row = row_of(&call)?;
        let Ask { path, body, .. } = ask_of(row, call)?;
        // All arguments as one object: then nothing is taken for something else.
        let query = body.filter(|body| body != b"{}").map(|body| ("arguments", path::text(&body)));
        let ask = Ask { query: query.into_iter().collect(), ..Ask::get(path) };
        let answer = self.ask(&ask).await?;
        reply(row, &answer)
    }

    /// Calls an entity and does not look at the reply. All that the call did is durable when the answer comes.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    pub async fn send<E, R, S, A>(&self, call: Call<E, R, S, A>) -> Result<(), ClientError>
    where
        E: Handlers,
        S: Writes,
        A: FromOutside,
    {
        let row = row_of(&call)?;
        let key = new_key();
        let ask = Ask { key: Some(&key), is_async: true, ..ask_of(row, call)? };
        self.ask(&ask).await.map(drop)
    }

    /// The state of an entity, with its version; none if there is no such entity.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn state<E: Handlers>(&self, key: impl ToKey) -> Result<Option<EntityState<E>>, ClientError> {
        self.state_as(E::NAME, &key.to_key()?).await
    }

    /// A page of the list of a kind, and the place of the next one: none or the `next` of the page before goes in. An entity whose
    /// state cannot be read says so in its place.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list<E: Handlers>(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EntityItem<E>>, ClientError> {
        self.list_as(E::NAME, after, limit).await
    }

    /// All of the list of a kind, read as it comes; a piece of it may take as long as an attempt.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list_all<E: Handlers>(&self) -> Result<Listing<E>, ClientError> {
        Listing::open(self, E::NAME).await
    }

    /// Opens the stream of a producer: numbered messages, each applied once for ever, as fast as the node takes them. A
    /// stream whose connection breaks goes on with another. It needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When `name` cannot be a name, or no header field can carry it whole: it has line breaks, or spaces around it.
    pub fn producer(&self, name: impl ToKey) -> Result<Producer, ClientError> {
        Producer::open(self.clone(), &name.to_key()?)
    }
}

/// A key that no other call has, for [`Client::call_once`]: who chooses it before they call can ask again, whatever happens.
///
/// It is a UUID of version 7, which says when it was made: a node that may have forgotten it refuses it, and does not do its call
/// again. Where the clock cannot be right it is one of version 4, which says nothing.
#[must_use]
pub fn new_key() -> String {
    key_at(SystemTime::now()).to_string()
}

fn key_at(now: SystemTime) -> Uuid {
    match now.duration_since(UNIX_EPOCH) {
        Ok(time) if time >= CLOCK_MIN => {
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, time.as_secs(), time.subsec_nanos()))
        }
        _ => Uuid::new_v4(),
    }
}

/// What is known of the handler that a message is for.
fn row_of<E: Handlers, R, S, A>(call: &Call<E, R, S, A>) -> Result<&'static HandlerInfo, ClientError> {
    let row = E::HANDLERS.iter().find(|row| row.info.id() == call.handler);
    row.map(|row| &row.info)
        .ok_or_else(|| ClientError::Unreadable(format!("`{}` has no handler with the id {:?}", E::NAME, call.handler)))
}

/// The request that a message stands for: a call, without a key.
fn ask_of<'a, E: Handlers, R, S, A>(row: &HandlerInfo, call: Call<E, R, S, A>) -> Result<Ask<'a>, ClientError> {
    let to = call.to?;
    let body = (row.arguments.show)(&call.body).map_err(|error| ClientError::Arguments(error.to_string()))?;
    let path = path::fill(paths::HANDLER, [E::NAME, to.key().as_str(), row.name])?;
    Ok(Ask { method: Method::POST, body: Some(body), ..Ask::get(path) })
}

fn reply<R: DeserializeOwned>(row: &HandlerInfo, json: &[u8]) -> Result<R, ClientError> {
    let bytes = (row.reply.read)(json).and_then(|bytes| decode(&bytes));
    bytes.map_err(|error| ClientError::Unreadable(format!("the reply of `{}`: {error}", row.name)))
}

impl Client {
    async fn state_as<S: DeserializeOwned>(
        &self,
        kind: &str,
        key: &EntityKey,
    ) -> Result<Option<EntityState<S>>, ClientError> {
        match self.ask(&Ask::get(path::fill(paths::ENTITY, [kind, key.as_str()])?)).await {
            Ok(answer) => read(&answer).map(Some),
            Err(error) if error.code() == Some(crate::ErrorCode::EntityMissing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list_as<S: DeserializeOwned>(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EntityItem<S>>, ClientError> {
        let path = path::fill(paths::KIND, [kind])?;
        let Page { items, next } = self.page::<EntityItem>(path, after, limit).await?;
        Ok(Page { items: items.into_iter().map(EntityItem::typed).collect(), next })
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: Vec<String>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<T>, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        read(&self.ask(&Ask { query, ..Ask::get(path) }).await?)
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(json).map_err(|error| ClientError::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_when_it_was_made_if_the_clock_can_be_right() {
        let made_at = |time: SystemTime| key_at(time).get_timestamp().map(|time| Duration::from_secs(time.to_unix().0));
        for time in [CLOCK_MIN, 2 * CLOCK_MIN] {
            assert_eq!(made_at(UNIX_EPOCH + time), Some(time));
        }
        for never_set in [UNIX_EPOCH, UNIX_EPOCH + CLOCK_MIN - Duration::from_secs(1), UNIX_EPOCH - CLOCK_MIN] {
            assert_eq!(made_at(never_set), None);
            assert_ne!(key_at(never_set), key_at(never_set));
        }
        let (one, other) = (new_key(), new_key());
        assert!(one != other && one.len() == 36 && one.as_bytes()[14] == b'7', "{one} {other}");
    }
}

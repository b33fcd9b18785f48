//! What has the types of the application: calls, reads, states, lists and producers.

use apostate_core::{Call, FromOutside, Handlers, ReadOnly, ToKey, Writes};
use serde::de::DeserializeOwned;

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::key::new_key;
use crate::client::listing::Listing;
use crate::client::path;
use crate::client::producer::Producer;
use crate::client::setup::Client;
use crate::client::typed::{ask_of, reply, row_of};
use crate::{EntityItem, EntityState, Page, PartnerItem};

impl Client {
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
        let query = body.filter(|body| body != "{}").map(|body| ("arguments", path::text(&body)));
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

    /// A page of what an entity has to do with its partners: what it remembers about each, as an `A`, what it has asked, what it will send.
    /// None, or the `next` of the page before, goes in.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `entity-missing` if there is no such entity.
    pub async fn activities<E: Handlers, A: DeserializeOwned>(
        &self,
        key: impl ToKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PartnerItem<A>>, ClientError> {
        self.activities_as(E::NAME, &key.to_key()?, after, limit).await
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

//! What needs no types of the application: for operators, and for programs that know kinds by their names.

use apostate_core::EntityKey;
use hyper::Method;
use serde::Serialize;

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::key::new_key;
use crate::client::listing::Listing;
use crate::client::path;
use crate::client::setup::Client;
use crate::client::states::read;
use crate::{EntityItem, EntityState, Health, JsonText, NodeStatus, Page, ParkedItem, PartnerItem, paths};

impl Client {
    /// Calls the handler called `handler` with `arguments`, an object, and gives its reply. [`JsonText`] arguments are sent as
    /// they are written.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    pub async fn call_json(
        &self,
        kind: &str,
        key: &EntityKey,
        handler: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<JsonText, ClientError> {
        self.call_json_once(&new_key(), kind, key, handler, arguments).await
    }

    /// As [`call_json`](Self::call_json), with a client key of the caller's own, which says `once`.
    ///
    /// # Errors
    ///
    /// As for [`call_once`](Self::call_once).
    pub async fn call_json_once(
        &self,
        once: &str,
        kind: &str,
        key: &EntityKey,
        handler: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<JsonText, ClientError> {
        let path = path::fill(paths::HANDLER, [kind, key.as_str(), handler])?;
        let body = Some(text(arguments)?.into());
        let ask = Ask { method: Method::POST, body, key: Some(once), ..Ask::get(path) };
        read(&self.ask(&ask).await?)
    }

    /// Asks the handler called `handler`, which only looks, with `arguments`, an object, and gives its reply.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub async fn read_json(
        &self,
        kind: &str,
        key: &EntityKey,
        handler: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<JsonText, ClientError> {
        let query = vec![("arguments", text(arguments)?)];
        let path = path::fill(paths::HANDLER, [kind, key.as_str(), handler])?;
        read(&self.ask(&Ask { query, ..Ask::get(path) }).await?)
    }

    /// The state of an entity, with its version; none if there is no such entity.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn state_json(&self, kind: &str, key: &EntityKey) -> Result<Option<EntityState>, ClientError> {
        self.state_as(kind, key).await
    }

    /// A page of the list of a kind. None, or the `next` of the page before, goes in.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list_json(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EntityItem>, ClientError> {
        self.list_as(kind, after, limit).await
    }

    /// All of the list of a kind.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list_all_json(&self, kind: &str) -> Result<Listing, ClientError> {
        Listing::open(self, kind).await
    }

    /// A page of what an entity has to do with its partners. None, or the `next` of the page before, goes in.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `entity-missing` if there is no such entity.
    pub async fn activities_json(
        &self,
        kind: &str,
        key: &EntityKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PartnerItem>, ClientError> {
        self.activities_as(kind, key, after, limit).await
    }

    /// What an entity has to do with one partner, which is named as kind and key; none if there is nothing.
    ///
    /// # Errors
    ///
    /// As for [`activities_json`](Self::activities_json); `kind-missing` if there is no such kind of partner.
    pub async fn activity_json(
        &self,
        kind: &str,
        key: &EntityKey,
        (partner_kind, partner_key): (&str, &EntityKey),
    ) -> Result<Option<PartnerItem>, ClientError> {
        let query = vec![("partner", format!("{partner_kind}/{partner_key}"))];
        let path = path::fill(paths::ACTIVITIES, [kind, key.as_str()])?;
        let page: Page<PartnerItem> = read(&self.ask(&Ask { query, ..Ask::get(path) }).await?)?;
        Ok(page.items.into_iter().next())
    }

    /// A page of the messages that were given up on; of one entity the oldest first. None, or the `next` of the page before,
    /// goes in.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn parked(&self, after: Option<&str>, limit: usize) -> Result<Page<ParkedItem>, ClientError> {
        self.page(path::fill(paths::PARKED, [])?, after, limit).await
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `parked-missing` if it is not parked any more.
    pub async fn parked_message(&self, id: &str) -> Result<ParkedItem, ClientError> {
        read(&self.ask(&Ask::get(path::fill(paths::PARKED_MESSAGE, [id])?)).await?)
    }

    /// Sends one of them on its way again: durable when the answer comes.
    ///
    /// # Errors
    ///
    /// As for [`parked_message`](Self::parked_message). After [`ClientError::Unknown`], list them again.
    pub async fn retry_parked(&self, id: &str) -> Result<(), ClientError> {
        let ask = Ask { method: Method::POST, ..Ask::get(path::fill(paths::PARKED_RETRY, [id])?) };
        nothing(&self.ask(&ask).await?)
    }

    /// Drops one of them for ever, unapplied.
    ///
    /// # Errors
    ///
    /// As for [`retry_parked`](Self::retry_parked).
    pub async fn dismiss_parked(&self, id: &str) -> Result<(), ClientError> {
        let ask = Ask { method: Method::DELETE, ..Ask::get(path::fill(paths::PARKED_MESSAGE, [id])?) };
        nothing(&self.ask(&ask).await?)
    }

    /// How the node and its partitions are.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        read(&self.ask(&Ask::get(path::fill(paths::PARTITIONS, [])?)).await?)
    }

    /// Whether the node lives. It says so without a token, and whatever its partitions do.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn health(&self) -> Result<(), ClientError> {
        read::<Health>(&self.ask(&Ask::get(path::fill(paths::HEALTH, [])?)).await?).map(drop)
    }

    /// Waits until every partition serves, for as long as the client's deadline.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn ready(&self) -> Result<(), ClientError> {
        read::<Health>(&self.ask(&Ask::get(path::fill(paths::READY, [])?)).await?).map(drop)
    }

    /// The description of the node: its kinds, their handlers, arguments and replies.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn openapi(&self) -> Result<JsonText, ClientError> {
        read(&self.ask(&Ask::get(path::fill(paths::OPENAPI, [])?)).await?)
    }
}

/// Arguments whose types are not known, as they are sent.
fn text(arguments: &(impl Serialize + ?Sized)) -> Result<String, ClientError> {
    serde_json::to_string(arguments).map_err(|error| ClientError::Arguments(error.to_string()))
}

/// What a node answers when there is nothing to say.
pub(crate) fn nothing(answer: &[u8]) -> Result<(), ClientError> {
    match answer {
        [] => Ok(()),
        _ => Err(ClientError::Unreadable("there is something where a node says nothing".to_owned())),
    }
}

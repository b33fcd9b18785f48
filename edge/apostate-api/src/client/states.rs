//! States, and pages of lists, in whatever type they are to be read.

use apostate_core::EntityKey;
use serde::de::DeserializeOwned;

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::path;
use crate::client::setup::Client;
use crate::{EntityItem, EntityState, ErrorCode, Page, PartnerItem, paths};

impl Client {
    /// The state of an entity; none if there is no such entity.
    pub(crate) async fn state_as<S: DeserializeOwned>(
        &self,
        kind: &str,
        key: &EntityKey,
    ) -> Result<Option<EntityState<S>>, ClientError> {
        match self.ask(&Ask::get(path::fill(paths::ENTITY, [kind, key.as_str()])?)).await {
            Ok(answer) => read(&answer).map(Some),
            Err(error) if error.code() == Some(ErrorCode::EntityMissing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of the list of a kind.
    pub(crate) async fn list_as<S: DeserializeOwned>(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<EntityItem<S>>, ClientError> {
        let path = path::fill(paths::KIND, [kind])?;
        let Page { items, next } = self.page::<EntityItem>(path, after, limit).await?;
        Ok(Page { items: items.into_iter().map(EntityItem::typed).collect(), next })
    }

    /// A page of the partners of an entity.
    pub(crate) async fn activities_as<A: DeserializeOwned>(
        &self,
        kind: &str,
        key: &EntityKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PartnerItem<A>>, ClientError> {
        let path = path::fill(paths::ACTIVITIES, [kind, key.as_str()])?;
        let Page { items, next } = self.page::<PartnerItem>(path, after, limit).await?;
        Ok(Page { items: items.into_iter().map(PartnerItem::typed).collect(), next })
    }

    /// A page of the list at `path`.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        path: String,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<T>, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        read(&self.ask(&Ask { query, ..Ask::get(path) }).await?)
    }
}

/// An answer that is JSON.
pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(json).map_err(|error| ClientError::Unreadable(error.to_string()))
}

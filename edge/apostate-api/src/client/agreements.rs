//! Agreements that are not over, for operators.

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::path;
use crate::client::setup::Client;
use crate::client::states::read;
use crate::{AgreementFilter, AgreementItem, Page, paths};

impl Client {
    /// A page of what is not over between entities: agreements at their proposers, and what is held for them at their partners; all of it, or
    /// what `filter` says, of one kind of entities or of all. None, or the `next` of the page before, goes in.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `kind-missing` if there is no such kind.
    pub async fn agreements(
        &self,
        filter: Option<AgreementFilter>,
        kind: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<AgreementItem>, ClientError> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(filter.map(|filter| ("state", filter.as_str().to_owned())));
        query.extend(kind.map(|kind| ("kind", kind.to_owned())));
        query.extend(after.map(|after| ("after", after.to_owned())));
        read(&self.ask(&Ask { query, ..Ask::get(path::fill(paths::AGREEMENTS, [])?) }).await?)
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `agreement-missing` if it is over.
    pub async fn agreement(&self, id: &str) -> Result<AgreementItem, ClientError> {
        read(&self.ask(&Ask::get(path::fill(paths::AGREEMENT, [id])?)).await?)
    }
}

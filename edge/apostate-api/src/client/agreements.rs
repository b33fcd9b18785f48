//! Agreements that are not over, for operators.

use hyper::Method;

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::key::new_key;
use crate::client::operators::nothing;
use crate::client::path;
use crate::client::setup::Client;
use crate::client::states::read;
use crate::{AgreementFilter, AgreementItem, Page, SettleOrder, paths};

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

    /// Ends by hand what a partner holds, if its ending is parked or its deadline has passed: durable when the answer comes. However often it is
    /// asked, it is done once.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `agreement-missing` if it is over, `cannot-settle` if it cannot be settled so.
    pub async fn settle_agreement(&self, id: &str, order: &SettleOrder) -> Result<(), ClientError> {
        self.settle_agreement_once(&new_key(), id, order).await
    }

    /// As [`settle_agreement`](Self::settle_agreement), with a client key of the caller's own, which says `once`.
    ///
    /// # Errors
    ///
    /// As for [`settle_agreement`](Self::settle_agreement).
    pub async fn settle_agreement_once(&self, once: &str, id: &str, order: &SettleOrder) -> Result<(), ClientError> {
        let body = serde_json::to_string(order).map_err(|error| ClientError::Arguments(error.to_string()))?;
        let path = path::fill(paths::AGREEMENT_SETTLE, [id])?;
        let ask = Ask { method: Method::POST, body: Some(body.into()), key: Some(once), ..Ask::get(path) };
        nothing(&self.ask(&ask).await?)
    }

    /// Drops what is kept of an operation that was settled by hand: its real ending, if it comes still, is not recognised any more.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; `agreement-missing` if nothing is kept.
    pub async fn forget_settlement(&self, id: &str) -> Result<(), ClientError> {
        let key = new_key();
        let path = path::fill(paths::AGREEMENT, [id])?;
        let ask = Ask { method: Method::DELETE, key: Some(&key), ..Ask::get(path) };
        nothing(&self.ask(&ask).await?)
    }
}

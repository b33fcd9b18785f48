//! The node, asked through the same client that programs have. A person waits for the answer, so it is asked once.

use std::time::Duration;

use apostate_api::client::{Client, ClientError, EntityKey};
use apostate_api::{AgreementFilter, AgreementItem, EntityItem, Page, ParkedItem, PartnerItem};
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Access;
use crate::failure::{Change, Failure};

/// How long an answer may take. A node that has so much to do says so sooner, and the checkpoint that a list waits for is
/// given up sooner.
const PATIENCE: Duration = Duration::from_secs(75);

/// Items of one page.
const PAGE: usize = 1000;

/// A node, and what lets us in.
pub(crate) struct Node {
    pub(crate) client: Client,
    runtime: &'static Runtime,
    url: String,
}

impl Node {
    pub(crate) fn new(access: &Access) -> Result<Self, Failure> {
        let Access { url, ca_file, token, token_file } = access;
        let token = match (token, token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|source| Failure::TokenFile { file: file.clone(), source })?;
                Some(text.trim_end().to_owned())
            }
            (None, None) => None,
        };
        let client = match ca_file {
            Some(file) => {
                let authorities =
                    std::fs::read(file).map_err(|source| Failure::CaFile { file: file.clone(), source })?;
                Client::trusting(url, &authorities)?
            }
            None => Client::new(url)?,
        };
        let mut client = client.asking_once(PATIENCE);
        if let Some(token) = token {
            client = client.with_token(&token)?;
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
        // It lives as long as the process. Dropped, it would wait for names that are still being looked up.
        let runtime = Box::leak(Box::new(runtime));
        Ok(Self { client, runtime, url: url.trim_end_matches('/').to_owned() })
    }

    /// The node's answer to something that is asked of its client, and changes nothing.
    pub(crate) fn ask<T>(&self, question: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
        self.runtime.block_on(question).map_err(|error| Failure::of(error, &self.url))
    }

    /// The node's answer to a change that is asked of its client.
    pub(crate) fn change<T>(
        &self,
        change: Change,
        request: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, Failure> {
        self.runtime.block_on(request).map_err(|error| Failure::of_change(error, &self.url, change))
    }

    /// All entities of a kind, as they come.
    pub(crate) fn list(&self, kind: &str) -> Result<impl Iterator<Item = Result<EntityItem, Failure>>, Failure> {
        let mut listing = self.ask(self.client.list_all_json(kind))?;
        Ok(std::iter::from_fn(move || self.ask(listing.next()).transpose()))
    }

    /// All parked messages, page by page. It ends after a failure.
    pub(crate) fn parked(&self) -> impl Iterator<Item = Result<ParkedItem, Failure>> {
        self.pages(async |after| self.client.parked(after, PAGE).await)
    }

    /// All agreements that are not over, page by page. It ends after a failure.
    pub(crate) fn agreements(
        &self,
        filter: Option<AgreementFilter>,
        kind: Option<&str>,
    ) -> impl Iterator<Item = Result<AgreementItem, Failure>> {
        self.pages(async move |after| self.client.agreements(filter, kind, after, PAGE).await)
    }

    /// All partners of an entity, page by page. It ends after a failure.
    pub(crate) fn partners(&self, kind: &str, key: &EntityKey) -> impl Iterator<Item = Result<PartnerItem, Failure>> {
        self.pages(async |after| self.client.activities_json(kind, key, after, PAGE).await)
    }

    fn pages<T>(
        &self,
        read: impl AsyncFn(Option<&str>) -> Result<Page<T>, ClientError>,
    ) -> impl Iterator<Item = Result<T, Failure>> {
        let mut after = Some(None);
        std::iter::from_fn(move || {
            let from: Option<String> = after.take()?;
            let (items, failure) = match self.ask(read(from.as_deref())) {
                Ok(page) => {
                    after = page.next.map(Some);
                    (page.items, None)
                }
                Err(failure) => (Vec::new(), Some(failure)),
            };
            Some(items.into_iter().map(Ok).chain(failure.map(Err)))
        })
        .flatten()
    }
}

//! A store behind a URL, whose node may be killed and started again meanwhile.
//!
//! The typed client asks again until there is an answer, with numbers or keys that let nothing count twice. Here it is
//! only said what is waited for, and when to give up. Reading order: `stream` and `singly`, the two ways to send lines;
//! `quiet`, when all of it has arrived; `watch`, what is said meanwhile.

mod quiet;
mod singly;
mod stream;
mod watch;

use std::time::Duration;

use apostate_api::EntityItem;
use apostate_api::client::{Client, ClientError};
use apostate_core::Handlers;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Asking;
use crate::failure::Failure;
use crate::feed::Fed;
use crate::place::Place;
use crate::progress::Progress;
use crate::row::Row;

/// Repetitions that the client may have before answers pay for more: a node that was killed is asked again by all callers at
/// once, and again and again while it opens.
const RETRIES: u32 = 100_000;

/// Entities that are asked for at a time.
const PAGE_ITEMS: usize = 1_000;

/// A store behind a URL.
pub(crate) struct Remote {
    runtime: Runtime,
    client: Client,
    url: String,
    patience: Duration,
    /// How many calls are under way at a time, if lines are sent singly.
    singly: Option<usize>,
}

impl Remote {
    /// The store that the node at `url` serves.
    pub(crate) fn new(url: String, asking: Asking) -> Result<Self, Failure> {
        let Asking { token, patience } = asking;
        let patience = Duration::from_secs(patience);
        let mut client = Client::new(&url)?.with_deadline(patience).with_retries(RETRIES);
        if let Some(token) = token {
            client = client.with_token(&token)?;
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
        Ok(Self { runtime, client, url, patience, singly: None })
    }

    /// The same; lines are calls of their own, so many at a time.
    pub(crate) fn singly(self, connections: u32) -> Self {
        Self { singly: Some(connections as usize), ..self }
    }

    /// Does `work`, and says on `progress` what it waits for when nothing is heard for a while.
    fn watched<T>(&self, progress: &Progress, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => done,
                never = watch::watch(&self.client, &self.url, self.patience, progress) => match never {},
            }
        })
    }
}

impl Place for Remote {
    fn feed(&self, log: &str, total: u64, rows: impl Iterator<Item = Result<Row, Failure>>) -> Result<Fed, Failure> {
        let progress = Progress::of_lines("taking", total);
        match self.singly {
            None => self.watched(&progress, stream::feed(&self.client, log, rows, &progress)),
            Some(calls) => self.watched(&progress, singly::feed(&self.client, log, rows, calls, &progress)),
        }
    }

    fn settle(&self) -> Result<(), Failure> {
        let progress = Progress::of_unknown_length("settling");
        self.watched(&progress, quiet::wait(&self.client, self.patience, &progress))
    }

    fn list<E: Handlers>(&self) -> impl Iterator<Item = Result<(String, E), Failure>> {
        let progress = Progress::of_unknown_length("listing");
        let mut page = Vec::new().into_iter();
        // Where the next page begins; none if there is none.
        let mut place = Some(None::<String>);
        std::iter::from_fn(move || {
            loop {
                if let Some(EntityItem { key, state, .. }) = page.next() {
                    let state = state.map_err(|problem| ClientError::Problem(problem).into());
                    return Some(state.map(|state| (key, state)));
                }
                let after = place.take()?;
                let ask = async { Ok(self.client.list::<E>(after.as_deref(), PAGE_ITEMS).await?) };
                match self.watched(&progress, ask) {
                    Ok(next) => {
                        page = next.items.into_iter();
                        place = next.next.map(Some);
                    }
                    Err(failure) => return Some(Err(failure)),
                }
            }
        })
    }

    fn partitions(&self) -> Result<usize, Failure> {
        let progress = Progress::of_unknown_length("asking");
        self.watched(&progress, async { Ok(self.client.status().await?.partitions.len()) })
    }

    fn leave(self) -> Result<(), Failure> {
        Ok(())
    }
}

//! All entities of a kind, one after the other. What is read on is what its reader asks for, so a list takes no more memory
//! than a piece of it, however long it is.

use std::collections::VecDeque;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::client::answer::{ANSWER_BYTES_MAX, too_long};
use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::path;
use crate::client::response::Response;
use crate::client::setup::Client;
use crate::client::stream::Lines;
use crate::{EntityItem, JsonText, NDJSON_TYPE, Problem, paths};

/// A list of a kind that is read as it comes.
#[derive(Debug)]
pub struct Listing<S = JsonText> {
    /// None at the end.
    response: Option<Response>,
    lines: Lines,
    /// What has come, and was not asked for yet.
    read: VecDeque<Result<EntityItem<S>, ClientError>>,
    /// How long a piece may take to come.
    patience: Duration,
}

impl<S: DeserializeOwned> Listing<S> {
    pub(crate) async fn open(client: &Client, kind: &str) -> Result<Self, ClientError> {
        let path = path::fill(paths::KIND, [kind])?;
        let ask = Ask { accept: Some(NDJSON_TYPE), is_stream: true, ..Ask::get(path) };
        let response = Some(client.open(&ask).await?);
        Ok(Self { response, lines: Lines::default(), read: VecDeque::new(), patience: client.attempt })
    }

    /// The next entity; none when there is no other. One whose state cannot be read says so in its place, and the list goes on.
    /// A call that is given up loses nothing.
    ///
    /// # Errors
    ///
    /// [`ClientError::Broken`] when the list broke off, and the node's own word when it breaks the list off. What came before
    /// stands, nothing comes after it: list again.
    pub async fn next(&mut self) -> Result<Option<EntityItem<S>>, ClientError> {
        loop {
            if let Some(item) = self.read.pop_front() {
                return item.map(Some).inspect_err(|_| self.end());
            }
            let Some(response) = &mut self.response else { return Ok(None) };
            let piece = tokio::time::timeout(self.patience, response.chunk()).await;
            let piece = piece.map_err(|_| format!("nothing came for {:?}", self.patience));
            match piece.flatten() {
                Ok(Some(piece)) => self.hear(&piece),
                Ok(None) => {
                    // The last line may have no end of its own.
                    self.hear(b"\n");
                    self.response = None;
                }
                Err(detail) => self.read.push_back(Err(ClientError::Broken(detail))),
            }
        }
    }

    fn hear(&mut self, piece: &[u8]) {
        let read = &mut self.read;
        self.lines.take(piece, |line| {
            if !line.trim_ascii().is_empty() {
                read.push_back(item(line));
            }
        });
        if self.lines.rest().len() > ANSWER_BYTES_MAX {
            read.push_back(Err(too_long()));
        }
    }

    fn end(&mut self) {
        self.response = None;
        self.lines = Lines::default();
        self.read.clear();
    }
}

/// A line is an entity, or the node's last word.
fn item<S: DeserializeOwned>(line: &[u8]) -> Result<EntityItem<S>, ClientError> {
    serde_json::from_slice::<EntityItem>(line).map(EntityItem::typed).map_err(|error| {
        match serde_json::from_slice::<Problem>(line) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => ClientError::Unreadable(error.to_string()),
        }
    })
}

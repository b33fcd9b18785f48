//! A node with the entities of the store, opened and closed.

use std::io;
use std::path::Path;

use apostate_core::Handlers;
use apostate_server::{Client, Node, Settings};
use store::Store;

use crate::failure::Failure;
use crate::feed::{Fed, feed};
use crate::place::Place;
use crate::progress::Progress;
use crate::row::Row;

/// The store at work.
pub(crate) struct Hosted {
    node: Node,
    client: Client,
}

impl Hosted {
    /// Starts the store of these settings; makes it if there is none.
    pub(crate) fn open(settings: Settings) -> Result<Self, Failure> {
        let dir = settings.data.clone();
        let node = Node::open::<Store>(settings).map_err(|source| Failure::Open { dir, source })?;
        let client = node.client();
        Ok(Self { node, client })
    }

    /// Starts the store in `data`, which has to be there.
    pub(crate) fn open_existing(data: &Path) -> Result<Self, Failure> {
        let is_empty = match data.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            // The node says better what is wrong with it.
            Err(_) => false,
        };
        if is_empty { Err(Failure::NoStore { dir: data.to_owned() }) } else { Self::open(Settings::new(data)) }
    }

    /// Stops in good order.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        Ok(self.node.stop()?)
    }
}

impl Place for Hosted {
    fn feed(&self, log: &str, total: u64, rows: impl Iterator<Item = Result<Row, Failure>>) -> Result<Fed, Failure> {
        feed(&self.client, log, total, rows)
    }

    fn settle(&self) -> Result<(), Failure> {
        let _progress = Progress::of_unknown_length("settling");
        Ok(self.client.settle()?)
    }

    fn list<E: Handlers>(&self) -> impl Iterator<Item = Result<(String, E), Failure>> {
        let listed = self.client.list::<E>();
        listed.map(|listed| listed.map(|listed| (listed.key.as_str().to_owned(), listed.entity)).map_err(Failure::from))
    }

    fn partitions(&self) -> Result<usize, Failure> {
        Ok(self.node.status().partitions.len())
    }

    fn leave(self) -> Result<(), Failure> {
        self.stop()
    }
}

/// The failure of writing CSV to stdout.
pub(crate) fn output(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::Output(error),
        other => Failure::Output(io::Error::other(format!("{other:?}"))),
    }
}

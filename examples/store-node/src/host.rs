//! A node with the entities of the store, opened and closed.

use std::io;
use std::path::Path;

use apostate_server::{Client, Node, Settings};
use store::Store;

use crate::failure::Failure;
use crate::progress::Progress;

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

    /// What entities are called with.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// How many partitions it has.
    pub(crate) fn partitions(&self) -> usize {
        self.node.status().partitions.len()
    }

    /// Waits until no message is on its way.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let _progress = Progress::of_unknown_length("settling");
        Ok(self.client.settle()?)
    }

    /// Stops in good order.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        Ok(self.node.stop()?)
    }
}

/// The failure of writing CSV to stdout.
pub(crate) fn output(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::Output(error),
        other => Failure::Output(io::Error::other(format!("{other:?}"))),
    }
}

//! Where the entities of a right program live: a real node with real files, in a directory that goes afterwards.

use apostate::Entities;
use apostate_server::{CallError, Client, Node, OpenError, Settings, StopError};
use tempfile::TempDir;

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("there is no room for the data")]
    Room(#[from] std::io::Error),
    #[error("the node does not open")]
    Open(#[from] OpenError),
    #[error("an entity did not answer")]
    Call(#[from] CallError),
    #[error("the node did not stop in good order")]
    Stop(#[from] StopError),
}

/// A node with nothing in it yet.
pub(crate) struct House {
    node: Node,
    _data: TempDir,
}

impl House {
    /// Opens one for the entities `E`, in this many partitions.
    pub(crate) fn open<E: Entities>(partitions: u32) -> Result<Self, Failure> {
        let data = tempfile::tempdir()?;
        let settings = Settings {
            partitions: Some(partitions),
            segment_bytes: 1 << 20,
            ..Settings::new(data.path().join("data"))
        };
        Ok(Self { node: Node::open::<E>(settings)?, _data: data })
    }

    /// What entities are called with.
    pub(crate) fn client(&self) -> Client {
        self.node.client()
    }
}

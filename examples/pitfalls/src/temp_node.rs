//! The node of a right program: a real node with real files, in a directory that goes afterwards.

use apostate::Entities;
use apostate_server::{CallError, Client, Node, OpenError, Settings, StopError};
use tempfile::TempDir;

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot create a temporary folder for the data")]
    Room(#[from] std::io::Error),
    #[error("cannot open the node")]
    Open(#[from] OpenError),
    #[error("an entity did not answer")]
    Call(#[from] CallError),
    #[error("the node did not stop cleanly")]
    Stop(#[from] StopError),
}

/// A node with nothing in it yet.
pub(crate) struct TempNode {
    node: Node,
    _data: TempDir,
}

impl TempNode {
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

    /// A client of the node.
    pub(crate) fn client(&self) -> Client {
        self.node.client()
    }
}

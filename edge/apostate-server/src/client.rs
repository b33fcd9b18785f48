//! Client: how the program around a node talks to its entities.
//!
//! Reading order: `node_handle`, what all clients of a node have in common; `pending`, one request and its answer; `producer`, a stream of them;
//! `quiescence`, when nothing is on its way any more; `listing`, `parked` and `checkpoint`, what is read from the store.

pub(crate) mod error;
pub(crate) mod node_handle;

pub(crate) mod quiescence;

mod pending;
pub(crate) mod producer;

pub(crate) mod checkpoint;
pub(crate) mod listing;
pub(crate) mod parked;

use std::sync::Arc;
use std::time::Duration;

use apostate_core::{Call, Entity, FromOutside, Handlers, ReadOnly, ToKey, Writes};
use apostate_partition::RequestKind;
use serde::de::DeserializeOwned;

use crate::answers::owed::Waits;
use crate::client::node_handle::NodeHandle;
use crate::client::pending::{no_reply, reply_of};

pub use crate::client::error::CallError;
pub use crate::client::listing::{Listed, Listing};
pub use crate::client::parked::{ParkedMessage, ParkedMessages};
pub use crate::client::pending::Pending;
pub use crate::client::producer::{Producer, ProducerAnswer, ProducerError, StreamBreak};

/// Talks to the entities of a node in the same process. Cheap to clone; every clone may be used from any thread.
///
/// A client that outlives its node is harmless: then every call gives [`CallError::Closed`].
#[derive(Clone)]
pub struct Client {
    pub(crate) node: Arc<NodeHandle>,
}

impl Client {
    pub(crate) fn new(node: Arc<NodeHandle>) -> Self {
        Self { node }
    }

    /// Calls an entity. Its answer is its reply, once all that the call did is durable.
    pub fn call<E, R, S, A>(&self, call: Call<E, R, S, A>) -> Pending<R>
    where
        E: Entity,
        R: DeserializeOwned,
        S: Writes,
        A: FromOutside,
    {
        let kind = (RequestKind::Call { key: None }, Waits::ForAnswer);
        Pending::new(&self.node, call.to, (call.handler, call.body), kind, reply_of)
    }

    /// Reads an entity. The reply is durable, and no older than this call.
    pub fn read<E, R, A>(&self, call: Call<E, R, ReadOnly, A>) -> Pending<R>
    where
        E: Entity,
        R: DeserializeOwned,
        A: FromOutside,
    {
        let kind = (RequestKind::Read, Waits::ForAnswer);
        Pending::new(&self.node, call.to, (call.handler, call.body), kind, reply_of)
    }

    /// Calls an entity and drops the reply. All that the call did is durable when the answer comes.
    pub fn send<E, R, S, A>(&self, call: Call<E, R, S, A>) -> Pending<()>
    where
        E: Entity,
        S: Writes,
        A: FromOutside,
    {
        let kind = (RequestKind::Call { key: None }, Waits::ForCommit);
        Pending::new(&self.node, call.to, (call.handler, call.body), kind, no_reply)
    }

    /// Lists all entities of a kind, in order of their places on the ring, then of their keys: as of now or later, each as
    /// of some moment, durable.
    pub fn list<E: Handlers>(&self) -> Listing<E> {
        Listing::new(&self.node)
    }

    /// Opens the stream of the producer `name`: it sends numbered messages, each applied once for ever.
    ///
    /// # Errors
    ///
    /// When `name` cannot be a name, or has a stream open.
    pub fn producer(&self, name: impl ToKey) -> Result<Producer, ProducerError> {
        Producer::open(&self.node, name.to_key()?)
    }

    /// Lists the messages that were parked and still are, by kind, then in the order of the ring, of one entity the oldest
    /// first: as of now or later, durable. It has every partition make a checkpoint, and reading begins when they are made.
    ///
    /// Each item may be an error: [`CallError::Stopped`] when a partition has stopped, [`CallError::Closed`] when the node
    /// has, and [`CallError::Unlisted`] when the store cannot be read.
    pub fn parked(&self) -> ParkedMessages {
        ParkedMessages::new(&self.node)
    }

    /// Puts a parked message at the end of its entity's inbox, as if it had been sent now: it is applied once more, or
    /// parked again under another number. Blocks until that is durable; [`settle`](Self::settle) waits for what comes of it.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; after [`CallError::Unknown`] alone it may have been done.
    pub fn retry_parked(&self, message: &ParkedMessage) -> Result<(), CallError> {
        parked::retry(&self.node, message)
    }

    /// Drops a parked message for ever, unapplied: what it carried is lost unless somebody makes it good. Blocks until that
    /// is durable.
    ///
    /// # Errors
    ///
    /// As for [`retry_parked`](Self::retry_parked).
    pub fn dismiss_parked(&self, message: &ParkedMessage) -> Result<(), CallError> {
        parked::dismiss(&self.node, message)
    }

    /// Waits until no message is on its way anywhere: none queued, none in an outbox, none in an inbox. Parked messages
    /// do not count. It waits for ever if the world outside never stops asking, or if a message waits for a kind or a
    /// handler that this build does not know.
    ///
    /// # Errors
    ///
    /// [`CallError::Stopped`] when a partition has stopped, [`CallError::Closed`] when the node has.
    pub fn settle(&self) -> Result<(), CallError> {
        quiescence::wait(&self.node, None).map(|_| ())
    }

    /// As [`settle`](Self::settle), for at most `patience`. Whether nothing is on its way.
    ///
    /// # Errors
    ///
    /// As for [`settle`](Self::settle).
    pub fn settle_within(&self, patience: Duration) -> Result<bool, CallError> {
        quiescence::wait(&self.node, Some(patience))
    }
}

//! Parked messages: poison messages that were given up on. An operator lists them here, and retries or dismisses them.
//!
//! A message between entities is parked when it can go no further: its handler went on panicking, its body does not fit the
//! handler, what it did was too large, or it killed the process again and again. It has left the order of its pair, and
//! holds up nobody.

use std::sync::Arc;

use apostate_core::{Address, EntityKey, Registry, Timestamp};
use apostate_log::StoreError;
use apostate_partition::{Answer, Failure, Message, ParkedCommand, StoredMessage, TraceId, parked, parked_message};

use crate::CallError;
use crate::answers::stop::{Interruption, PartitionStop};
use crate::answers::verdict::{NotDone, Verdict};
use crate::client::checkpoint::CheckpointRequest;
use crate::client::listing::PAGE_BYTES;
use crate::client::node_handle::NodeHandle;
use crate::names::{kind_name, name_of};

/// A message that was given up on until an operator retries or dismisses it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParkedMessage {
    /// The kind of the entity that it is for.
    pub kind: String,
    /// The key of that entity.
    pub key: EntityKey,
    /// The handler that it is for.
    pub handler: String,
    /// The entity that sent it, as kind and key; none if it came from outside.
    pub from: Option<String>,
    /// The number that it is parked under. Of one entity's messages, the later has the higher number; retried and parked
    /// again, a message has a new one.
    pub number: u64,
    /// Why it was parked.
    pub reason: String,
    /// When it was parked, in its partition's time.
    pub since: Timestamp,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
    /// The trace that it is part of, if it is traced.
    pub trace: Option<TraceId>,
    to: Address,
}

/// Why a parked message was neither retried nor dismissed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParkedError {
    /// No such message is parked any more. If it was retried, it was applied since, or waits, or is parked under another number.
    #[error("{entity} has no parked message {number}: it was retried or dismissed before; list them again")]
    Gone {
        /// The entity, as kind and key.
        entity: String,
        /// The number that it was parked under.
        number: u64,
    },
    /// The message was not retried and stays parked: this build has no such kind. Start a build that has it and retry it then, or
    /// dismiss it.
    #[error(
        "the message of {entity} stays parked: this build has no such kind; start a build that has it, or dismiss it"
    )]
    NoKind {
        /// The entity, as kind and key.
        entity: String,
    },
    /// The message was not retried and stays parked: the kind has no such handler in this build. Start a build that has it and retry it
    /// then, or dismiss it.
    #[error(
        "the message of {entity} stays parked: this build has no such handler; start a build that has it, or dismiss it"
    )]
    NoHandler {
        /// The entity, as kind and key.
        entity: String,
    },
    /// The message was not retried and stays parked: its entity waits for a build that has the handler of a message before it. Start that
    /// build and retry it then, or dismiss it.
    #[error(
        "the message of {entity} stays parked: a message before it is for a handler that this build does not have; start a \
         build that has it, or dismiss it"
    )]
    Blocked {
        /// The entity, as kind and key.
        entity: String,
    },
    /// Nothing was done: the log is full. Make room, and try again.
    #[error("log is full, nothing was done to the message of {entity}; make room on the disk, and try again")]
    Full {
        /// The entity, as kind and key.
        entity: String,
    },
    /// Nothing was done: the partition of the entity had stopped before. Fix the cause, and restart the node.
    #[error(
        "{entity} is unavailable, nothing was done: its partition stopped ({reason}); fix the cause and restart the node"
    )]
    Stopped {
        /// The entity, as kind and key.
        entity: String,
        /// Why the partition stopped.
        reason: PartitionStop,
    },
    /// Nothing was done: the node is closed, or about to be.
    #[error("the node is closed; nothing was done")]
    Closed,
    /// The outcome is unknown: the partition stopped, or the node was closed, before the answer came. If nothing was done, the next
    /// start lists the message as before.
    #[error("outcome unknown for the message of {entity} ({reason}); list the parked messages after the next start")]
    Unknown {
        /// The entity, as kind and key.
        entity: String,
        /// The event that cut it off.
        reason: Interruption,
    },
}

impl ParkedMessage {
    /// The entity that it is for.
    pub(crate) fn address(&self) -> &Address {
        &self.to
    }

    fn new(registry: &Registry, stored: StoredMessage) -> Self {
        let StoredMessage { number, message, reason, time: since } = stored;
        let Message { to, from, handler, role: _, about: _, on_refused: _, body, trace } = message;
        let kind = registry.find(to.kind()).map(|kind| &registry.kinds()[kind]);
        let known = kind.and_then(|kind| Some(kind.handlers[kind.find(handler)?].name.to_owned()));
        Self {
            kind: kind_name(registry, to.kind()),
            key: to.key().clone(),
            handler: known.unwrap_or_else(|| format!("{:08x}", handler.0)),
            from: from.map(|from| name_of(registry, &from)),
            number,
            reason,
            since,
            body,
            trace: trace.map(|context| context.trace),
            to,
        }
    }
}

/// The parked messages of a node, by kind, then in the order of the ring, then by number: the same for any number of
/// partitions. Ends after an error.
#[must_use = "a list is read lazily"]
pub struct ParkedMessages {
    node: Arc<NodeHandle>,
    /// The checkpoint requests that are still waited for.
    requests: Vec<CheckpointRequest>,
    /// Where the next page goes on; none at the end.
    after: Option<Option<(Address, u64)>>,
    page: std::vec::IntoIter<ParkedMessage>,
}

impl ParkedMessages {
    pub(crate) fn new(node: &Arc<NodeHandle>) -> Self {
        let (requests, page) = (CheckpointRequest::send_to_all(node), Vec::new().into_iter());
        Self { node: Arc::clone(node), requests, after: Some(None), page }
    }

    /// Reads a page, if all of the last one was taken.
    fn turn_page(&mut self) -> Result<(), CallError> {
        if !self.page.as_slice().is_empty() {
            return Ok(());
        }
        let Some(after) = self.after.take() else { return Ok(()) };
        self.requests.drain(..).try_for_each(|request| request.wait(&self.node))?;
        let page = read_on(&self.node, after.as_ref(), PAGE_BYTES)?;
        self.after = page.last().map(|last| Some((last.to.clone(), last.number)));
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for ParkedMessages {
    type Item = Result<ParkedMessage, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.turn_page() {
            Ok(()) => self.page.next().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

/// The parked messages behind `after`, about `bytes_max` in all; none at the end. Those since the last checkpoint are missing.
pub(crate) fn read_on(
    node: &NodeHandle,
    after: Option<&(Address, u64)>,
    bytes_max: usize,
) -> Result<Vec<ParkedMessage>, CallError> {
    let ranges: Vec<_> = node.routes.places().iter().map(|place| place.range).collect();
    let after = after.map(|(to, number)| (to, *number));
    let stored = node.with_store(|store| parked(store, &ranges, after, bytes_max))?.map_err(unlisted)?;
    Ok(stored.into_iter().map(|stored| ParkedMessage::new(&node.registry, stored)).collect())
}

/// The message parked under `number` at `to`, if there is one. Those since the last checkpoint are missing.
pub(crate) fn find(node: &NodeHandle, to: &Address, number: u64) -> Result<Option<ParkedMessage>, CallError> {
    let stored = node.with_store(|store| parked_message(store, to, number))?.map_err(unlisted)?;
    Ok(stored.map(|stored| ParkedMessage::new(&node.registry, stored)))
}

fn unlisted(error: StoreError) -> CallError {
    CallError::unlisted("parked messages", &error)
}

/// Retries a parked message.
pub(crate) fn retry(node: &NodeHandle, message: &ParkedMessage) -> Result<(), ParkedError> {
    command(node, message, true)
}

/// Drops a parked message.
pub(crate) fn dismiss(node: &NodeHandle, message: &ParkedMessage) -> Result<(), ParkedError> {
    command(node, message, false)
}

fn command(node: &NodeHandle, message: &ParkedMessage, retry: bool) -> Result<(), ParkedError> {
    let (to, number) = (message.to.clone(), message.number);
    let entity = node.name_of(&to);
    judge(node.command(ParkedCommand { ticket: 0, to, number, retry }).wait(), entity, number)
}

/// The result of an operator's command on message `number` of `entity`.
pub(crate) fn judge(verdict: Verdict, entity: String, number: u64) -> Result<(), ParkedError> {
    match verdict {
        Verdict::Answered(Answer::Done { .. }) => Ok(()),
        Verdict::Answered(Answer::Failed(Failure::Missing)) => Err(ParkedError::Gone { entity, number }),
        Verdict::Answered(Answer::Failed(Failure::Full)) => Err(ParkedError::Full { entity }),
        Verdict::Answered(Answer::Failed(Failure::UnknownKind)) => Err(ParkedError::NoKind { entity }),
        Verdict::Answered(Answer::Failed(Failure::UnknownHandler)) => Err(ParkedError::NoHandler { entity }),
        Verdict::Answered(Answer::Failed(Failure::Blocked)) => Err(ParkedError::Blocked { entity }),
        Verdict::Answered(Answer::Failed(failure)) => Err(ParkedError::Unknown { entity, reason: failure.into() }),
        Verdict::Answered(Answer::Refused(_) | Answer::Repeated(_) | Answer::Accepted | Answer::Duplicate) => {
            unreachable!("no handler answers an operator")
        }
        Verdict::NotDone(NotDone::Closed) => Err(ParkedError::Closed),
        Verdict::NotDone(NotDone::Stopped(reason)) => Err(ParkedError::Stopped { entity, reason }),
        Verdict::NotDone(NotDone::Busy) => unreachable!("operators are not counted"),
        Verdict::Unknown(reason) => Err(ParkedError::Unknown { entity, reason }),
    }
}

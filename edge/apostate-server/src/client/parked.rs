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
use crate::answers::verdict::Verdict;
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
            body: body.into_vec(),
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
    let ranges: Vec<_> = node.routes.table().places().iter().map(|place| place.range).collect();
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
pub(crate) fn retry(node: &NodeHandle, message: &ParkedMessage) -> Result<(), CallError> {
    command(node, message, true)
}

/// Drops a parked message.
pub(crate) fn dismiss(node: &NodeHandle, message: &ParkedMessage) -> Result<(), CallError> {
    command(node, message, false)
}

fn command(node: &NodeHandle, message: &ParkedMessage, retry: bool) -> Result<(), CallError> {
    let (to, number) = (message.to.clone(), message.number);
    let entity = node.name_of(&to);
    judge(node.command(ParkedCommand { ticket: 0, to, number, retry }).wait(), entity, number)
}

/// The result of an operator's command on message `number` of `entity`.
pub(crate) fn judge(verdict: Verdict, entity: String, number: u64) -> Result<(), CallError> {
    match verdict {
        Verdict::Answered(Answer::Done { .. }) => Ok(()),
        Verdict::Answered(Answer::Failed(failure)) => Err(of_failure(failure, entity, number)),
        Verdict::Answered(
            Answer::Refused(_)
            | Answer::Repeated(_)
            | Answer::Pending { .. }
            | Answer::Expired
            | Answer::Accepted
            | Answer::Duplicate,
        ) => unreachable!("no handler answers an operator"),
        Verdict::NotDone(why) => Err(CallError::not_done(why, entity)),
        Verdict::Unknown(reason) => Err(CallError::Unknown { entity, reason }),
    }
}

fn of_failure(failure: Failure, entity: String, number: u64) -> CallError {
    match failure {
        Failure::Missing => CallError::Gone { entity, number },
        Failure::UnknownKind | Failure::UnknownHandler | Failure::Blocked | Failure::EndsOperation => {
            CallError::StaysParked { entity, failure }
        }
        Failure::Full => CallError::Failed { entity, failure },
        failure => CallError::Unknown { entity, reason: failure.into() },
    }
}

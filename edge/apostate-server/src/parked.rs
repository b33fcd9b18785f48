//! Messages that were given up on: an operator sees them here, and decides.
//!
//! A message between entities is parked when it can go no further: its handler went on panicking, its body does not fit the
//! handler, what it did was too large, or it killed the process again and again. It has left the order of its pair, and
//! holds up nobody.

use std::sync::Arc;

use apostate_core::{Address, EntityKey, Registry, Timestamp};
use apostate_partition::{Answer, Failure, Message, ParkedCommand, StoredMessage, TraceId, parked};

use crate::CallError;
use crate::error::{kind_name, name_of};
use crate::shared::Shared;
use crate::slot::{NotDone, Verdict};

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
    /// The trace that it is part of, if somebody follows it.
    pub trace: Option<TraceId>,
    to: Address,
}

/// Why a parked message was neither retried nor dismissed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParkedError {
    /// It is not parked any more. If it was retried, it was applied since, or waits, or is parked under another number.
    #[error("{entity} has no message {number} parked: it was retried or dismissed before; list them again")]
    Gone {
        /// The entity, as kind and key.
        entity: String,
        /// The number that it was parked under.
        number: u64,
    },
    /// Nothing was done: the partition that has the entity had stopped before. Start the node again when the reason is
    /// mended.
    #[error("{entity} cannot be reached, nothing was done: its partition stopped ({reason}); mend it, and start again")]
    Stopped {
        /// The entity, as kind and key.
        entity: String,
        /// Why the partition stopped.
        reason: String,
    },
    /// Nothing was done: the node is closed, or about to be.
    #[error("the node is closed; nothing was done")]
    Closed,
    /// Nobody knows whether it was done: the partition stopped, or the node was closed, before the answer came. If it was not,
    /// the next start lists the message as before.
    #[error("it is not known whether {entity} did it ({reason}); list the parked messages after the next start")]
    Unknown {
        /// The entity, as kind and key.
        entity: String,
        /// What happened.
        reason: String,
    },
}

impl ParkedMessage {
    /// The entity that it is for.
    pub(crate) fn address(&self) -> &Address {
        &self.to
    }

    fn new(registry: &Registry, stored: StoredMessage) -> Self {
        let StoredMessage { number, message, reason, time: since } = stored;
        let Message { to, from, handler, on_refused: _, body, trace } = message;
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

/// All parked messages, by kind, key and number: the same for any number of partitions.
pub(crate) fn list(shared: &Arc<Shared>) -> Result<Vec<ParkedMessage>, CallError> {
    let places = shared.routes.places();
    let wishes: Vec<_> = places.iter().map(|place| (place, shared.wish(*place))).collect();
    let mut messages = Vec::new();
    for (place, wish) in wishes {
        match wish.recv() {
            Ok(Ok(_)) => {}
            Ok(Err(reason)) if !shared.is_closing() => {
                return Err(CallError::Stopped { entity: format!("partition {}", place.partition), reason });
            }
            Ok(Err(_)) | Err(_) => return Err(CallError::Closed),
        }
        let read = shared.with_store(|store| parked(store, place.range))?;
        let unlisted = |detail| CallError::Unlisted { what: "parked messages".to_owned(), detail };
        let stored = read.map_err(|error| unlisted(error.to_string()))?;
        messages.extend(stored.into_iter().map(|stored| ParkedMessage::new(&shared.registry, stored)));
    }
    messages.sort_by(|a, b| (&a.kind, &a.key, a.number).cmp(&(&b.kind, &b.key, b.number)));
    Ok(messages)
}

/// Sends a parked message on its way again.
pub(crate) fn retry(shared: &Shared, message: &ParkedMessage) -> Result<(), ParkedError> {
    command(shared, message, true)
}

/// Drops a parked message.
pub(crate) fn dismiss(shared: &Shared, message: &ParkedMessage) -> Result<(), ParkedError> {
    command(shared, message, false)
}

fn command(shared: &Shared, message: &ParkedMessage, retry: bool) -> Result<(), ParkedError> {
    let (to, number) = (message.to.clone(), message.number);
    let entity = shared.name_of(&to);
    judge(shared.command(ParkedCommand { ticket: 0, to, number, retry }).wait(), entity, number)
}

/// What came of an operator's command on message `number` of `entity`.
pub(crate) fn judge(verdict: Verdict, entity: String, number: u64) -> Result<(), ParkedError> {
    match verdict {
        Verdict::Answered(Answer::Done { .. }) => Ok(()),
        Verdict::Answered(Answer::Failed(Failure::Missing)) => Err(ParkedError::Gone { entity, number }),
        Verdict::Answered(Answer::Failed(failure)) => Err(ParkedError::Unknown { entity, reason: failure.to_string() }),
        Verdict::Answered(Answer::Refused(_) | Answer::Repeated(_) | Answer::Accepted | Answer::Duplicate) => {
            unreachable!("no handler answers an operator")
        }
        Verdict::NotDone(NotDone::Closed) => Err(ParkedError::Closed),
        Verdict::NotDone(NotDone::Stopped(reason)) => Err(ParkedError::Stopped { entity, reason }),
        Verdict::NotDone(NotDone::Busy) => unreachable!("operators are not counted"),
        Verdict::Unknown(reason) => Err(ParkedError::Unknown { entity, reason }),
    }
}

//! An operator at work: retries and dismisses parked messages, and requests for checkpoints before reading lists.
//!
//! What an operator is told is held against the durable records. A message that is said to be retried or dismissed is parked
//! there no more, and was not decided about before. When a request is granted, the store holds all that was durable when it was
//! requested: else a list would miss what was acknowledged.
//!
//! Invariants E1, E2.

use apostate_core::{Address, Entity, KindId};
use apostate_log::{PartitionId, Position};
use apostate_partition::cell::{self, Section};
use apostate_partition::operation::{Operation, OperationName};
use apostate_partition::{Answer, Failure, Input, Message, ParkedCommand, stored_position};
use bytes::Bytes;

use crate::check::agreements;
use crate::check::shadow::Shadow;
use crate::engine::WriterId;
use crate::outside::{CheckpointRequest, Decision, Operator};
use crate::programs::flaky::Flaky;
use crate::violation::{Check, Violation, ensure};
use crate::world::{Event, Waiter, World};

impl World {
    /// Decides about every parked message: most are tried again, some are dismissed, and some of what is held is settled by hand.
    pub(crate) fn decide_parked(&mut self) -> Check {
        let cells = self.shadows.iter().flat_map(|shadow| {
            let of_shadow =
                |(key, value): (&Bytes, &Bytes)| (shadow.id, key.clone(), agreements::ends_operation(value));
            shadow.section(Section::Parked).map(of_shadow)
        });
        for (id, key, ends_operation) in cells.collect::<Vec<_>>() {
            let read = cell::read_key(&key).map_err(|error| Violation::new("P4", error.to_string()))?;
            let number = read.sub.try_into().map_err(|_| Violation::new("P4", "a key of a parked message"))?;
            let (to, number) = (read.address, u64::from_be_bytes(number));
            let Some(writer) = self.writers.current(id) else { continue };
            // What dealers are told counts in the end; of their endings none may be dismissed, but one may try.
            let may_dismiss = ends_operation || to.kind() == KindId::of(Flaky::NAME);
            let retry = !self.rng.chance(200) || !may_dismiss;
            if !retry {
                self.operator.unwanted.insert(key.clone());
            }
            let ticket = self.ticket(Waiter::Command(Decision { cell: key, retry }), to.clone());
            self.give(writer, Input::Command(ParkedCommand { ticket, to, number, retry }));
        }
        self.settle_some()
    }

    /// A partition tells what became of a parked message.
    pub(crate) fn check_decided(&mut self, id: PartitionId, decision: &Decision, answer: &Answer) -> Check {
        let (Decision { cell, retry }, shadow) = (decision, self.shadows.get(id));
        let is_parked = shadow.cells.contains_key(cell);
        match answer {
            Answer::Done { .. } => {
                ensure!(!is_parked, "E2", "partition {id} has decided about {decision:?}, which is durably parked");
                let is_dismissed = shadow.dismissed.contains_key(cell);
                ensure!(
                    is_dismissed != *retry,
                    "E1",
                    "partition {id}: {decision:?} is done, the records say otherwise"
                );
                ensure!(self.operator.decided.insert(cell.clone()), "E1", "partition {id} does {decision:?} again");
            }
            Answer::Failed(Failure::Missing) => {
                ensure!(!is_parked, "E1", "partition {id} misses {decision:?}, which is durably parked");
            }
            Answer::Failed(Failure::EndsOperation) => {
                ensure!(!retry, "E4", "partition {id} does not retry {decision:?}, which ends an operation");
            }
            Answer::Failed(Failure::Full | Failure::Stopped(_)) => {}
            other => return Err(Violation::new("answers", format!("{decision:?} is answered with {other:?}"))),
        }
        Ok(())
    }

    /// Before a list is read: requests a checkpoint of all that is durable in a partition.
    pub(crate) fn request_checkpoint(&mut self, id: PartitionId) {
        let Some(writer) = self.writers.current(id) else { return };
        self.last_ticket += 1;
        let request = CheckpointRequest { position: self.shadows.get(id).position };
        self.operator.checkpoint_requests.insert((self.last_ticket, writer), request);
        self.give_or_wait(writer, Input::RequestCheckpoint { ticket: self.last_ticket });
    }

    /// Before a list of everything is read: requests a checkpoint of every partition.
    pub(crate) fn request_checkpoints_everywhere(&mut self) {
        let ids: Vec<_> = self.map.tiles.iter().map(|(_, id)| *id).collect();
        ids.into_iter().for_each(|id| self.request_checkpoint(id));
    }

    /// A partition grants a request: its store holds all that was durable then.
    pub(crate) fn checkpoint_done(&mut self, writer: WriterId, ticket: u64) -> Check {
        let granted = self.operator.checkpoint_requests.remove(&(ticket, writer));
        let Some(CheckpointRequest { position }) = granted else {
            return Err(Violation::new(
                "checkpoint requests",
                format!("writer {writer} grants request {ticket}, which it does not have"),
            ));
        };
        let Some(granting) = self.writers.all.get(&writer) else { return Ok(()) };
        let id = granting.id;
        let stored = stored_position(&granting.store, id).map_err(|error| Violation::new("P6", error.to_string()))?;
        let stored = stored.unwrap_or(Position(0));
        ensure!(
            self.is_damaged || stored >= position,
            "checkpoint requests",
            "partition {id} grants a request, the store is at record {stored}, and {position} was durable when it was made"
        );
        // Whoever has read a list may read the next, and nothing has happened in between.
        if !self.is_damaged && self.rng.chance(200) {
            let delay = self.delay(self.plan.request_delay);
            self.agenda.plan_in(delay, Event::CheckpointRequest { id });
        }
        Ok(())
    }

    /// Requests that somebody still waits for. With the writer that was asked, the request ends.
    pub(crate) fn open_checkpoint_requests(&self) -> usize {
        self.operator.checkpoint_requests.keys().filter(|(_, writer)| self.writers.all.contains_key(writer)).count()
    }
}

/// Every message that is gone was dismissed by somebody, or went with the operation that it ends and that was settled by hand.
pub(crate) fn check_dismissed(operator: &Operator, shadow: &Shadow) -> Check {
    let id = shadow.id;
    let is_settled = |message: &Bytes| {
        let ended = Message::read(message).ok().and_then(|(message, ..)| Some((message.ends()?, message.to)));
        let is_of = |cell: &Bytes, to: &Address, name: &OperationName| {
            cell::read_key(cell)
                .is_ok_and(|cell| cell.address == *to && Operation::read_name(cell.sub).as_ref() == Ok(name))
        };
        ended.is_some_and(|(name, to)| operator.settled.values().any(|cell| is_of(cell, &to, &name)))
    };
    let lost =
        shadow.dismissed.iter().find(|(cell, message)| !operator.unwanted.contains(*cell) && !is_settled(message));
    ensure!(lost.is_none(), "E1", "partition {id} has dropped the parked message {lost:?}, and nobody dismissed it");
    Ok(())
}

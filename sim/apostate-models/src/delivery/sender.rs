//! A partition as a sender: what it numbers, answers, sends and trims.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable. Invariant E6: a session
//! always starts at the oldest, ancestors first, and skips none.

use apostate_log::PartitionId;
use apostate_partition::Range;

use super::model::Delivery;
use super::scenario::Message;
use super::world::{Frame, Partition, Session, Word, World};
use super::wrong::Wrong;

impl Delivery {
    /// The source entity of a pair sends its next message.
    pub(super) fn send(&self, world: &mut World, pair: u8) {
        let ends = self.scenario.pairs[usize::from(pair)];
        let Some(id) = world.find_at(ends.source).map(|sender| sender.id) else { return };
        self.touch(world, id, |partition| {
            let (origin, is_local) = (partition.id, partition.range.contains(ends.target));
            let cells = partition.edit();
            let label = cells.sent(pair) + 1;
            cells.sent.insert(pair, label);
            cells.counter += 1;
            let message = Message { origin, number: cells.counter, pair, label };
            if is_local {
                self.apply(cells, message, false);
            } else {
                cells.outbox.push(message);
            }
        });
    }

    /// Answers a receiver that asks for a session.
    pub(super) fn answer(&self, partition: &mut Partition, receiver: PartitionId, nonce: u8, target: Range, name: u8) {
        let name = if self.is(Wrong::NamedByReceiverAlone) { nonce } else { name };
        partition.sessions.retain(|session| session.receiver != receiver);
        partition.sessions.push(Session { receiver, target, name, is_ready: false, sent: Vec::new(), acked: 0 });
        partition.sessions.sort_by_key(|session| session.receiver);
        let mut origins = Vec::new();
        for origin in &partition.lineage {
            let concerns =
                |message: &&Message| message.origin == *origin && target.contains(self.scenario.pair(message).target);
            // What was trimmed in memory alone comes back after a crash: until then its origin stays listed.
            let trimmed = partition.trims.iter().filter(concerns).map(|message| message.number).max();
            let trimmed = trimmed.filter(|_| !self.is(Wrong::UnlistedBeforeTrimmed));
            let oldest = partition.queue().find(concerns).map(|message| message.number);
            let highest = if *origin == partition.id { Some(partition.cells().counter) } else { trimmed };
            let below = oldest.map(|number| number - 1).filter(|_| !self.is(Wrong::FloorTooHigh));
            origins.extend(below.or(highest).map(|floor| (*origin, floor)));
        }
        let (source, generation) = (partition.range, partition.generation);
        let word = Word::Opened { nonce, name, source, generation, origins };
        partition.held.push(Frame { from: partition.id, to: receiver, word });
    }

    /// The receiver has the floors durable.
    pub(super) fn ready(partition: &mut Partition, receiver: PartitionId, name: u8) {
        for session in &mut partition.sessions {
            session.is_ready |= session.receiver == receiver && session.name == name;
        }
    }

    /// The receiver has everything up to `frame` durable.
    pub(super) fn acknowledged(&self, partition: &mut Partition, receiver: PartitionId, name: u8, frame: u8) {
        let is_meant = |session: &&mut Session| {
            session.receiver == receiver && (session.name == name || self.is(Wrong::OldAcksTaken))
        };
        let Some(session) = partition.sessions.iter_mut().find(is_meant) else { return };
        let count = usize::from(frame.saturating_sub(session.acked)).min(session.sent.len());
        if count > 0 {
            session.acked = frame;
            partition.trims.extend(session.sent.drain(..count));
        }
    }

    /// Lets everything leave that may.
    pub(super) fn leave(&self, partition: &mut Partition, out: &mut Vec<Frame>) {
        if partition.working.as_ref() == Some(&partition.durable) {
            partition.working = None;
        }
        if partition.working.is_none() || self.is(Wrong::AckedBeforeDurable) {
            out.append(&mut partition.held);
        }
        let mut sessions = std::mem::take(&mut partition.sessions);
        for session in sessions.iter_mut().filter(|session| session.is_ready) {
            for message in &self.unsent(partition, session) {
                let is_durable = partition.durable.outbox.contains(message) || self.is(Wrong::SentBeforeDurable);
                if !is_durable {
                    break;
                }
                session.sent.push(*message);
                let frame = session.acked + session.sent.len() as u8;
                let word = Word::Message { name: session.name, frame, message: *message };
                out.push(Frame { from: partition.id, to: session.receiver, word });
                if self.is(Wrong::TrimmedWhenSent) {
                    partition.trims.push(*message);
                }
            }
        }
        partition.sessions = sessions;
        if self.is(Wrong::TrimmedWhenSent) {
            partition.commit();
        }
    }

    /// Messages that a session has not sent yet, in order.
    fn unsent(&self, partition: &Partition, session: &Session) -> Vec<Message> {
        let is_next = |message: &&Message| {
            session.target.contains(self.scenario.pair(message).target) && !session.sent.contains(message)
        };
        let mut queue: Vec<_> = partition.queue().filter(is_next).copied().collect();
        if self.is(Wrong::OwnBeforeAncestors) {
            queue.sort_by_key(|message| message.origin != partition.id);
        }
        if self.is(Wrong::NewestFirst) && session.acked == 0 && session.sent.is_empty() && queue.len() > 1 {
            queue.drain(..queue.len() - 1);
        }
        queue
    }
}

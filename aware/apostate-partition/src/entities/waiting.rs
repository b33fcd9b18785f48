//! Inboxes, the calls behind them, and commands on parked messages: what waits for an entity.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`.

use std::collections::VecDeque;

use apostate_core::Timestamp;

use crate::entities::inbox::{End, InboxItem, Retry};
use crate::entities::inboxes::Inboxes;
use crate::entities::parked::ParkedMessages;
use crate::entities::resident::Entities;
use crate::entities::slots::SlotId;
use crate::interface::{Load, ParkedCommand, Request};
use crate::limits::{Tuning, WAITING_CALLS_MAX};
use crate::message::NO_HANDLER;

impl Entities {
    pub(crate) fn inboxes(&self) -> &Inboxes {
        &self.inboxes
    }

    pub(crate) fn parked(&self) -> &ParkedMessages {
        &self.parked
    }

    pub(crate) fn parked_mut(&mut self) -> &mut ParkedMessages {
        &mut self.parked
    }

    /// Whether nothing behind the head of the inbox has its turn while this build runs: it has no handler for that.
    pub(crate) fn is_blocked(&self, id: SlotId) -> bool {
        let slot = self.slots.get(id);
        let kind = slot.kind().and_then(|kind| self.registry.kinds().get(kind));
        let is_for_author = |item: &&InboxItem| item.handler() != NO_HANDLER;
        slot.inbox_head()
            .filter(is_for_author)
            .zip(kind)
            .is_some_and(|(item, kind)| kind.find(item.handler()).is_none())
    }

    /// Whether an inbox has so many messages that nothing is taken from outside that adds to it, where all may have `most` together.
    pub(crate) fn is_overfull(&self, id: SlotId, most: usize) -> bool {
        let waiting = self.slots.get(id).extra().map_or(0, |extra| extra.inbox.len());
        waiting > 0 && waiting >= self.inboxes.share(most)
    }

    /// Puts a message at one end of its entity's inbox.
    pub(crate) fn push_inbox(&mut self, id: SlotId, end: End, item: InboxItem) {
        self.inboxes.push(&mut self.slots, id, end, item);
    }

    /// Takes the message at one end of an entity's inbox.
    pub(crate) fn pop_inbox(&mut self, id: SlotId, end: End) -> Option<InboxItem> {
        self.inboxes.pop(&mut self.slots, id, end)
    }

    /// The next inbox that can go on.
    pub(crate) fn pop_ready(&mut self) -> Option<SlotId> {
        self.inboxes.pop_ready(&mut self.slots)
    }

    /// Lets an inbox take its turn, if it can go on.
    pub(crate) fn make_ready(&mut self, id: SlotId) {
        self.inboxes.make_ready(&mut self.slots, id);
    }

    /// Lets the inbox wait after a panic of its head.
    pub(crate) fn retry_later(&mut self, id: SlotId, now: Timestamp, tuning: &Tuning) {
        self.inboxes.retry_later(&mut self.slots, id, now, tuning);
    }

    /// Notes how the head of an inbox has fared.
    pub(crate) fn set_retry(&mut self, id: SlotId, retry: Option<Retry>) {
        self.inboxes.set_retry(&mut self.slots, id, retry);
    }

    /// An inbox is empty again, for what was put into it is taken back.
    pub(crate) fn end_inbox(&mut self, id: SlotId) {
        self.inboxes.end_inbox(&mut self.slots, id);
    }

    /// Lets inboxes go on whose wait after a panic is over.
    pub(crate) fn end_waits(&mut self, now: Timestamp) {
        self.inboxes.end_waits(&mut self.slots, now);
    }

    /// Gives every inbox that was read back its turn. For opening only.
    pub(crate) fn queue_inboxes(&mut self, now: Timestamp) {
        for id in self.inboxes.open() {
            self.start_load(id, now);
            self.make_ready(id);
        }
    }

    /// Messages below `number` are given to a checkpoint.
    pub(crate) fn note_inboxes_taken(&mut self, number: u64) {
        self.inboxes.note_taken(number);
    }

    /// The checkpoint that was given them is in the store.
    pub(crate) fn note_inboxes_stored(&mut self) {
        self.inboxes.note_stored();
    }

    /// Evicts bodies of inboxes that the store has, until all take `budget` or less.
    pub(crate) fn evict_inboxes(&mut self, budget: usize) {
        self.inboxes.evict_to_budget(&mut self.slots, budget);
    }

    /// Lets a call wait behind the inbox or the load of its entity. Gives it back if there is no room.
    pub(crate) fn wait(&mut self, id: SlotId, request: Request) -> Option<Request> {
        self.inboxes.wait(&mut self.slots, id, request, WAITING_CALLS_MAX)
    }

    /// The calls that waited and need not any more: the inbox is empty, and the entity is in memory.
    pub(crate) fn release_waiting(&mut self, id: SlotId) -> VecDeque<Request> {
        self.inboxes.release(&mut self.slots, id)
    }

    /// The calls that wait behind an inbox that does not go on: they would wait for ever.
    pub(crate) fn turn_away(&mut self, id: SlotId) -> VecDeque<Request> {
        self.inboxes.turn_away(&mut self.slots, id)
    }

    /// Lets an operator's command wait for its message, which only the store has.
    pub(crate) fn wait_for_parked(&mut self, command: ParkedCommand) {
        let load = Load::Parked { to: command.to.clone(), number: command.number };
        if self.parked.wait(command) {
            self.loads.push(load);
        }
    }
}

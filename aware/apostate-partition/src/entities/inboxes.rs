//! All inboxes together: what they take of memory, which can go on and when, and the calls that wait behind them.
//!
//! While there is room all bodies are in memory. Above that those that a finished checkpoint has are evicted: first what stands
//! far back in its inbox, then everything but what is about to run. If the head's body was evicted, it is loaded together with
//! the evicted bodies behind it.
//!
//! Numbers rise in commit order, so one number says what the store has: all below the next one as of its checkpoint.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs` and `pages.rs`.

mod check;
mod split;

use std::collections::{BTreeSet, VecDeque};

use apostate_core::Timestamp;
use apostate_log::StoredCell;

use crate::cells::cell::{self, Section};
use crate::entities::inbox::{self, End, InboxItem, Retry};
use crate::entities::slots::{SlotId, Slots};
use crate::format::DecodeError::{self, Damaged};
use crate::interface::{Load, Request};
use crate::limits::{INBOX_HEAD_MESSAGES, INBOX_PAGE_BYTES, PAGE_MESSAGES_MAX, RETRY_DELAY_MIN, Tuning};
use crate::message::Message;
use crate::planted::{self, Bug};

/// Sums and schedules of all inboxes.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    /// Messages in them.
    count: usize,
    /// Bytes of those that are in memory.
    bytes: usize,
    /// Entities whose inbox is not empty.
    open: BTreeSet<SlotId>,
    /// Entities whose inbox can go on.
    ready: VecDeque<SlotId>,
    /// When an inbox goes on after a panic.
    retries: BTreeSet<(Timestamp, SlotId)>,
    /// Entities that calls wait for.
    waits: BTreeSet<SlotId>,
    /// Those calls.
    waiting: usize,
    /// Messages below this number were given to a checkpoint.
    taken: u64,
    /// Messages below this number are in the store.
    stored: u64,
}

/// Where the head of an inbox is.
#[derive(Debug)]
pub(crate) enum Head {
    /// In memory, or there is none.
    Resident,
    /// In the store, which is being asked.
    Awaited,
    /// In the store, which is to be asked now.
    Evicted(Load),
}

/// A message in the store that does not come back as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageDamage {
    Missing,
    Unread(DecodeError),
}

impl Inboxes {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages that one inbox may have before nothing from outside is taken for it: any number as long as all have less than `most` together,
    /// else its share of these.
    pub(crate) fn share(&self, most: usize) -> usize {
        if self.count < most { usize::MAX } else { most / self.open.len().max(1) }
    }

    /// Calls that wait behind inboxes and loads.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// When the first inbox goes on after a panic.
    pub(crate) fn retry_at(&self) -> Option<Timestamp> {
        self.retries.first().map(|(due, _)| *due)
    }

    /// Entities whose inbox is not empty.
    pub(crate) fn open(&self) -> Vec<SlotId> {
        self.open.iter().copied().collect()
    }

    /// The next inbox that can go on.
    pub(crate) fn pop_ready(&mut self, slots: &mut Slots) -> Option<SlotId> {
        let id = self.ready.pop_front()?;
        slots.get_mut(id).extra_mut().is_ready = false;
        Some(id)
    }

    /// Puts a message at one end of its entity's inbox.
    pub(crate) fn push(&mut self, slots: &mut Slots, id: SlotId, end: End, item: InboxItem) {
        self.count += 1;
        self.bytes += item.bytes();
        let messages = &mut slots.get_mut(id).extra_mut().inbox;
        if messages.is_empty() {
            self.open.insert(id);
        }
        inbox::push(messages, end, item);
    }

    /// Takes the message at one end of an entity's inbox.
    pub(crate) fn pop(&mut self, slots: &mut Slots, id: SlotId, end: End) -> Option<InboxItem> {
        let messages = &mut slots.get_mut(id).extra_mut().inbox;
        let item = inbox::pop(messages, end)?;
        self.count -= 1;
        self.bytes -= item.bytes();
        if messages.is_empty() {
            self.open.remove(&id);
            slots.get_mut(id).drop_empty_extra();
        }
        Some(item)
    }

    /// Lets an inbox take its turn, if it can go on.
    pub(crate) fn make_ready(&mut self, slots: &mut Slots, id: SlotId) {
        let slot = slots.get_mut(id);
        let is_here = slot.is_resident() && slot.kind().is_some();
        let Some(extra) = slot.extra_if_any() else { return };
        if is_here && !extra.is_ready && !extra.inbox.is_empty() && extra.retry.is_none_or(|retry| retry.due.0 == 0) {
            extra.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Lets the inbox wait after a panic of its head.
    pub(crate) fn retry_later(&mut self, slots: &mut Slots, id: SlotId, now: Timestamp, tuning: &Tuning) {
        let (attempts, since) = slots.get(id).retry().map_or((0, now), |retry| (retry.attempts, retry.since));
        let delay = RETRY_DELAY_MIN * 2_u32.saturating_pow(attempts.min(9));
        // The last attempt comes when the time is over, not long after.
        let due = now.after(delay).min(since.after(tuning.retry_time_max).max(now.after(RETRY_DELAY_MIN)));
        self.end_turn(slots, id);
        self.set_retry(slots, id, Some(Retry { attempts: attempts + 1, since, due }));
    }

    /// Takes an inbox out of those that can go on.
    fn end_turn(&mut self, slots: &mut Slots, id: SlotId) {
        if slots.get_mut(id).extra_if_any().is_some_and(|extra| std::mem::take(&mut extra.is_ready)) {
            self.ready.retain(|&ready| ready != id);
        }
    }

    /// An inbox is empty again, for what was put into it is taken back: it has neither a turn nor a head that is retried. Its slot may
    /// be another entity's soon.
    pub(crate) fn end_inbox(&mut self, slots: &mut Slots, id: SlotId) {
        if planted::is(Bug::TurnNotUndone) {
            slots.get_mut(id).extra_mut().retry = None;
            return;
        }
        self.end_turn(slots, id);
        self.set_retry(slots, id, None);
        slots.get_mut(id).drop_empty_extra();
    }

    /// Lets inboxes go on whose wait after a panic is over.
    pub(crate) fn end_waits(&mut self, slots: &mut Slots, now: Timestamp) {
        while self.retries.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, id)) = self.retries.pop_first() else { return };
            if let Some(retry) = slots.get_mut(id).extra_if_any().and_then(|extra| extra.retry.as_mut()) {
                retry.due = Timestamp(0);
            }
            self.make_ready(slots, id);
        }
    }

    /// Notes how the head of an inbox has fared.
    pub(crate) fn set_retry(&mut self, slots: &mut Slots, id: SlotId, retry: Option<Retry>) {
        let before = std::mem::replace(&mut slots.get_mut(id).extra_mut().retry, retry);
        let due = |retry: Option<Retry>| retry.map(|retry| retry.due).filter(|due| due.0 > 0);
        if let Some(due) = due(before) {
            self.retries.remove(&(due, id));
        }
        if let Some(due) = due(retry) {
            self.retries.insert((due, id));
        }
    }

    /// Lets a call wait behind the inbox or the load of its entity. Gives it back if `most` wait there.
    pub(crate) fn wait(&mut self, slots: &mut Slots, id: SlotId, request: Request, most: usize) -> Option<Request> {
        let waiting = &mut slots.get_mut(id).extra_mut().waiting;
        if waiting.len() >= most {
            return Some(request);
        }
        waiting.push_back(request);
        self.waits.insert(id);
        self.waiting += 1;
        None
    }

    /// The calls that waited and need not any more: the inbox is empty, and the entity is in memory.
    pub(crate) fn release(&mut self, slots: &mut Slots, id: SlotId) -> VecDeque<Request> {
        let slot = slots.get_mut(id);
        if slot.has_inbox() || !slot.is_resident() {
            return VecDeque::new();
        }
        // Waiting is rare: an entity in memory keeps no room for it.
        let waiting = slot.extra_if_any().map_or_else(VecDeque::new, |extra| std::mem::take(&mut extra.waiting));
        slot.drop_empty_extra();
        self.end_waiting(id, &waiting);
        waiting
    }

    /// The calls that wait behind an inbox that does not go on: they would wait for ever.
    pub(crate) fn turn_away(&mut self, slots: &mut Slots, id: SlotId) -> VecDeque<Request> {
        let waiting = std::mem::take(&mut slots.get_mut(id).extra_mut().waiting);
        self.end_waiting(id, &waiting);
        waiting
    }

    /// These calls wait for an entity no more, and no others do.
    fn end_waiting(&mut self, id: SlotId, calls: &VecDeque<Request>) {
        if !calls.is_empty() {
            self.waits.remove(&id);
            self.waiting -= calls.len();
        }
    }

    /// Every entity that has an inbox or calls that wait, some of them more than once.
    pub(super) fn listed(&self) -> impl Iterator<Item = SlotId> {
        let Self { count: _, bytes: _, open, ready, retries, waits, waiting: _, taken: _, stored: _ } = self;
        let retried = retries.iter().map(|(_, id)| *id);
        open.iter().chain(ready).chain(waits).copied().chain(retried)
    }

    /// Takes over a cell of an inbox that is read back, or its deletion. For opening only.
    pub(crate) fn restore(
        &mut self,
        slots: &mut Slots,
        id: SlotId,
        sub: &[u8],
        value: Option<&[u8]>,
        may_evict_above: Option<usize>,
    ) -> Result<(), DecodeError> {
        let number = u64::from_be_bytes(sub.try_into().map_err(|_| Damaged)?);
        let messages = &mut slots.get_mut(id).extra_mut().inbox;
        // Store and log both give them in ascending order: the place is the end, or near the front for one that is done.
        let place = match messages.back() {
            Some(last) if last.number() < number => Err(messages.len()),
            _ => messages.binary_search_by_key(&number, InboxItem::number),
        };
        match (value, place) {
            (Some(value), Err(at)) => {
                let (message, _, []) = Message::read(value)? else { return Err(Damaged) };
                let mut item = InboxItem::new(number, message);
                if may_evict_above.is_some_and(|most| self.bytes + item.bytes() > most) {
                    item.evict_body();
                }
                self.count += 1;
                self.bytes += item.bytes();
                messages.insert(at, item);
            }
            (None, Ok(at)) => {
                let item = messages.remove(at).ok_or(Damaged)?;
                self.count -= 1;
                self.bytes -= item.bytes();
            }
            (Some(_), Ok(_)) => return Err(Damaged),
            (None, Err(_)) => {}
        }
        if messages.is_empty() {
            self.open.remove(&id);
        } else {
            self.open.insert(id);
        }
        Ok(())
    }

    /// Where the head of an inbox is. Evicted: those behind it that were evicted too are read back with it.
    pub(crate) fn find_head(&mut self, slots: &mut Slots, id: SlotId) -> Head {
        let slot = slots.get_mut(id);
        if slot.inbox_head().is_none_or(|head| head.message().is_some()) {
            return Head::Resident;
        }
        if std::mem::replace(&mut slot.extra_mut().is_reading, true) {
            return Head::Awaited;
        }
        let address = slot.address().clone();
        let (mut cells, mut bytes) = (Vec::new(), 0);
        let evicted = slot.extra_mut().inbox.iter().take_while(|item| item.message().is_none());
        for item in evicted.take(PAGE_MESSAGES_MAX) {
            bytes += item.length();
            if !cells.is_empty() && bytes > INBOX_PAGE_BYTES {
                break;
            }
            cells.push(cell::key(Section::Inbox, &address, &item.number().to_be_bytes()).into());
        }
        Head::Evicted(Load::Inbox { address, cells })
    }

    /// Takes over messages of an inbox that were read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    ///
    /// Invariant P6: a message that the store was given is there, whole, or the partition stops and says so.
    pub(crate) fn take_page(
        &mut self,
        slots: &mut Slots,
        id: SlotId,
        asked: &[Box<[u8]>],
        cells: &[StoredCell],
    ) -> Result<(), PageDamage> {
        let extra = slots.get_mut(id).extra_mut();
        extra.is_reading = false;
        let mut cells = cells.iter();
        for key in asked {
            let found = cells.next().filter(|(found, _)| found[..] == key[..]);
            let (_, value) = found.ok_or(PageDamage::Missing)?;
            let number = cell::read_key(key).ok().and_then(|cell| Some(u64::from_be_bytes(cell.sub.try_into().ok()?)));
            let read = Message::read(value).map_err(PageDamage::Unread)?;
            let (Some(number), (message, _, [])) = (number, read) else { return Err(PageDamage::Unread(Damaged)) };
            // While the head is away nothing is taken out; but what is there needs no second copy.
            let place = extra.inbox.binary_search_by_key(&number, InboxItem::number);
            let item = place.ok().and_then(|at| extra.inbox.get_mut(at));
            if let Some(item) = item.filter(|item| item.message().is_none()) {
                item.fill(message);
                self.bytes += item.bytes();
            }
        }
        self.make_ready(slots, id);
        Ok(())
    }

    /// Messages below `number` are given to a checkpoint.
    pub(crate) fn note_taken(&mut self, number: u64) {
        self.taken = number;
    }

    /// The checkpoint that was given what is below `taken` is in the store.
    pub(crate) fn note_stored(&mut self) {
        self.stored = self.taken;
    }

    /// Evicts bodies that the store has until all take `budget` or less.
    pub(crate) fn evict_to_budget(&mut self, slots: &mut Slots, budget: usize) {
        let stored = if planted::is(Bug::InboxDroppedEarly) { self.taken } else { self.stored };
        for head in [INBOX_HEAD_MESSAGES, 0] {
            for &id in &self.open {
                if self.bytes <= budget {
                    return;
                }
                let extra = slots.get_mut(id).extra_mut();
                // What is about to run stays, or reading it back would never end.
                let head = if extra.is_ready { INBOX_HEAD_MESSAGES } else { head };
                for item in extra.inbox.iter_mut().skip(head).filter(|item| item.number() < stored) {
                    self.bytes -= item.bytes();
                    item.evict_body();
                }
            }
        }
    }
}

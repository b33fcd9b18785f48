//! The inbox of an entity: accepted messages in the order of their numbers; the bodies of some are in the store only.
//!
//! While there is room all are in memory. Above that those that a finished checkpoint has are let go: first what stands far
//! back in its inbox, then everything but what is about to run. Of each the number, the handler and the length stay. When
//! one that is not here comes to the head, it is read back with those behind it, as the entity itself would be.
//!
//! Numbers rise in commit order, so one number says what the store has: all below the next one as of its checkpoint.
//!
//! Invariant E6: only the head of an inbox is handled, wherever its body is.

use std::collections::BTreeSet;

use apostate_core::{Address, HandlerId};
use apostate_log::StoredCell;

use crate::cell::{self, Section};
use crate::interface::{Damage, Load, Stored};
use crate::limits::{INBOX_HEAD_MESSAGES, INBOX_PAGE_BYTES, PAGE_MESSAGES_MAX};
use crate::message::Message;
use crate::partition::Partition;
use crate::planted::{self, Bug};
use crate::slots::SlotId;

/// A message that was accepted and not handled yet.
#[derive(Clone, Debug)]
pub(crate) struct InboxItem {
    pub(crate) number: u64,
    pub(crate) handler: HandlerId,
    /// Bytes of its layout.
    length: u32,
    /// Unless the store alone has it.
    message: Option<Box<Message>>,
}

/// Which end of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Front,
    Back,
}

/// What all inboxes have in common.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    /// Messages in them.
    pub(crate) count: usize,
    /// Bytes of those that are in memory.
    pub(crate) bytes: usize,
    /// Entities whose inbox is not empty.
    open: BTreeSet<SlotId>,
    /// Messages below this number were given to a checkpoint.
    pub(crate) taken: u64,
    /// Messages below this number are in the store.
    pub(crate) stored: u64,
}

impl Inboxes {
    /// The checkpoint that was given what is below `taken` is in the store.
    pub(crate) fn note_stored(&mut self) {
        self.stored = self.taken;
    }
}

impl InboxItem {
    pub(crate) fn new(number: u64, message: Message) -> Self {
        let (handler, length) = (message.handler, message.length() as u32);
        Self { number, handler, length, message: Some(message.into()) }
    }

    /// The message, if it is in memory.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.as_deref()
    }

    /// Bytes that it takes in memory because its message is there.
    pub(crate) fn bytes(&self) -> usize {
        if self.message.is_some() { self.length as usize } else { 0 }
    }

    /// Leaves the message to the store.
    pub(crate) fn let_go(&mut self) {
        self.message = None;
    }
}

impl Partition {
    /// Puts a message at one end of its entity's inbox.
    pub(crate) fn push_inbox(&mut self, id: SlotId, end: End, item: InboxItem) {
        let inboxes = &mut self.sources.inboxes;
        inboxes.count += 1;
        inboxes.bytes += item.bytes();
        let inbox = &mut self.slots.get_mut(id).extra().inbox;
        if inbox.is_empty() {
            inboxes.open.insert(id);
        }
        match end {
            End::Front => inbox.push_front(item),
            End::Back => inbox.push_back(item),
        }
    }

    /// Takes the message at one end of an entity's inbox.
    pub(crate) fn pop_inbox(&mut self, id: SlotId, end: End) -> Option<InboxItem> {
        let inbox = &mut self.slots.get_mut(id).extra().inbox;
        let item = match end {
            End::Front => inbox.pop_front(),
            End::Back => inbox.pop_back(),
        }?;
        let inboxes = &mut self.sources.inboxes;
        inboxes.count -= 1;
        inboxes.bytes -= item.bytes();
        if inbox.is_empty() {
            inboxes.open.remove(&id);
        }
        Some(item)
    }

    /// Takes over a cell of an inbox that is read back, or its deletion. None: it does not read. For opening only.
    pub(crate) fn restore_inbox(
        &mut self,
        address: &Address,
        sub: &[u8],
        value: Option<&[u8]>,
        is_new: bool,
    ) -> Option<()> {
        let number = u64::from_be_bytes(sub.try_into().ok()?);
        let id = self.slot_of(address);
        let inbox = &mut self.slots.get_mut(id).extra().inbox;
        // Store and log both give them in ascending order: the place is the end, or near the front for one that is done.
        let place = match inbox.back() {
            Some(last) if last.number < number => Err(inbox.len()),
            _ => inbox.binary_search_by_key(&number, |item| item.number),
        };
        let inboxes = &mut self.sources.inboxes;
        match (value, place) {
            (Some(value), Err(at)) => {
                let (message, _, []) = Message::read(value).ok()? else { return None };
                let mut item = InboxItem::new(number, message);
                if !is_new && inboxes.bytes + item.bytes() > self.tuning.inbox_memory {
                    item.let_go();
                }
                inboxes.count += 1;
                inboxes.bytes += item.bytes();
                inbox.insert(at, item);
            }
            (None, Ok(at)) => {
                let item = inbox.remove(at)?;
                inboxes.count -= 1;
                inboxes.bytes -= item.bytes();
            }
            (Some(_), Ok(_)) => return None,
            (None, Err(_)) => {}
        }
        if inbox.is_empty() {
            inboxes.open.remove(&id);
        } else {
            inboxes.open.insert(id);
        }
        Some(())
    }

    /// Gives every inbox that was read back its turn.
    pub(crate) fn queue_inboxes(&mut self) {
        for id in self.sources.inboxes.open.clone() {
            self.start_load(id);
            self.make_ready(id);
        }
    }

    /// Has the head of an inbox read back, with those behind it that are not here either. False: it is here.
    pub(crate) fn read_head(&mut self, id: SlotId) -> bool {
        let slot = self.slots.get_mut(id);
        let address = slot.address.clone();
        let extra = slot.extra();
        if extra.inbox.front().is_none_or(|head| head.message.is_some()) {
            return false;
        }
        if std::mem::replace(&mut extra.is_reading, true) {
            return true;
        }
        let (mut cells, mut bytes) = (Vec::new(), 0);
        for item in extra.inbox.iter().take_while(|item| item.message.is_none()).take(PAGE_MESSAGES_MAX) {
            bytes += item.length as usize;
            if !cells.is_empty() && bytes > INBOX_PAGE_BYTES {
                break;
            }
            cells.push(cell::key(Section::Inbox, &address, &item.number.to_be_bytes()).into());
        }
        self.loads.push(Load::Inbox { address, cells });
        true
    }

    /// Takes over messages of an inbox that were read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    ///
    /// Invariant P6: a message that the store was given is there, whole, or somebody hears of it.
    pub(crate) fn take_inbox_page(
        &mut self,
        id: SlotId,
        asked: &[Box<[u8]>],
        cells: &[StoredCell],
    ) -> Result<(), Damage> {
        let what = Stored::Inbox(self.name_of(&self.slots.get(id).address));
        let extra = self.slots.get_mut(id).extra();
        extra.is_reading = false;
        let mut cells = cells.iter();
        for key in asked {
            let found = cells.next().filter(|(found, _)| found[..] == key[..]);
            let Some((_, value)) = found else {
                return Err(Damage::Missing(what));
            };
            let number = cell::read_key(key).and_then(|cell| Some(u64::from_be_bytes(cell.sub.try_into().ok()?)));
            let read = Message::read(value).ok().filter(|(_, _, rest)| rest.is_empty());
            let (Some(number), Some((message, _, _))) = (number, read) else {
                return Err(Damage::Unreadable(what));
            };
            // While the head is away nobody takes anything out; but what is there needs no second copy.
            let place = extra.inbox.binary_search_by_key(&number, |item| item.number);
            if let Some(item) = place.ok().and_then(|at| extra.inbox.get_mut(at)).filter(|item| item.message.is_none())
            {
                item.message = Some(message.into());
                self.sources.inboxes.bytes += item.bytes();
            }
        }
        self.make_ready(id);
        Ok(())
    }

    /// Lets messages go that the store has, if all take more than there is room for.
    pub(crate) fn shed_inboxes(&mut self) {
        let Self { sources, slots, tuning, .. } = self;
        let inboxes = &mut sources.inboxes;
        let stored = if planted::is(Bug::InboxDroppedEarly) { inboxes.taken } else { inboxes.stored };
        for head in [INBOX_HEAD_MESSAGES, 0] {
            for &id in &inboxes.open {
                if inboxes.bytes <= tuning.inbox_memory {
                    return;
                }
                let extra = slots.get_mut(id).extra();
                // What is about to run stays, or reading it back would never end.
                let head = if extra.is_ready { INBOX_HEAD_MESSAGES } else { head };
                for item in extra.inbox.iter_mut().skip(head).filter(|item| item.number < stored) {
                    inboxes.bytes -= item.bytes();
                    item.let_go();
                }
            }
        }
    }
}

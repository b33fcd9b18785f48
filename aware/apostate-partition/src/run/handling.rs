//! A view of the parts that the handling of a message may touch. It has no checkpoints and none of the other fields of the partition; and by
//! convention nothing here appends a record, closes a batch or opens a session.

use apostate_core::{Address, HandlerId, Timestamp};

use crate::batch::{Batch, UndoEntry};
use crate::cells::fresh::FreshCell;
use crate::delivery::Delivery;
use crate::entities::{End, Entities, InboxItem, KeySweep, SlotId};
use crate::interface::{AfterPanic, Answer, Notice, Request};
use crate::limits::REASON_BYTES_MAX;
use crate::log::LogWriter;
use crate::message::Message;
use crate::pacing::Pacer;
use crate::run::runner::Runner;
use crate::scope::Scope;
use crate::timers::Timers;
use crate::work::Work;

/// Parts that the handling of a message may touch.
pub(crate) struct Handling<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) time: &'a Pacer,
    /// The time of the transaction under way.
    pub(crate) now: Timestamp,
    pub(crate) entities: &'a mut Entities,
    pub(crate) runner: &'a mut Runner,
    pub(crate) batch: &'a mut Batch,
    pub(crate) work: &'a mut Work,
    /// For numbers, for room, and for the bytes of answers that are held back.
    pub(crate) log: &'a mut LogWriter,
    /// For peers, for sessions that are open, and for watermarks.
    pub(crate) delivery: &'a mut Delivery,
    /// For the bytes of client keys that are written, and for the age of those that were forgotten.
    pub(crate) sweep: &'a mut KeySweep,
    pub(crate) timers: &'a mut Timers,
}

/// Fate of the head of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Handled.
    Handled,
    /// Waits for a load: the source is passed over.
    Waits,
    /// Put back: the batch is given up.
    Abandoned,
}

impl Handling<'_> {
    /// Whether the batch takes no more, for now or because it is given up.
    pub(crate) fn is_full(&self) -> bool {
        let tuning = self.scope.tuning();
        // The last run may still write as much as one run may, and local messages left over become inbox cells.
        let bytes_max = tuning.record_bytes_max / 2;
        self.batch.is_abandoned()
            || self.batch.messages() >= self.batch.messages_max(tuning.batch_messages_max)
            || self.batch.bytes() >= bytes_max
            || self.batch.answers_bytes() >= tuning.answers_bytes_max
    }

    /// Accepts a message at the end of its entity's inbox.
    pub(crate) fn accept(&mut self, id: SlotId, message: Message) {
        let number = self.log.number();
        let mut value = Vec::with_capacity(message.length());
        message.write(None, &mut value);
        self.batch.put_fresh(FreshCell::inbox(&message.to, number), value);
        self.batch.note(UndoEntry::PushedInbox { slot: id });
        if self.entities.get(id).kind().is_none() {
            self.notify_unknown(&message.to, message.handler);
        }
        self.entities.push_inbox(id, End::Back, InboxItem::new(number, message));
        self.entities.make_ready(id);
    }

    /// Lets the inbox wait after a panic of its head.
    pub(crate) fn retry_later(&mut self, id: SlotId) {
        self.entities.retry_later(id, self.now, self.scope.tuning());
    }

    /// Answers a request that is done with.
    pub(crate) fn answer(&mut self, request: Request, answer: Answer) {
        self.batch.answer(request.ticket, answer);
        self.batch.note(UndoEntry::TookRequest(request));
    }

    /// Answers a request that changed nothing, once it is certain that we are still the writer.
    pub(crate) fn answer_read(&mut self, request: Request, answer: Answer) {
        self.batch.answer_read(request, answer);
    }

    /// Gives notice of a message that waits for another build.
    pub(crate) fn notify_unknown(&mut self, to: &Address, handler: HandlerId) {
        self.batch.notify(Notice::Unknown { entity: self.entities.name_of(to), handler: handler.0 });
    }

    /// Gives notice of a panic.
    pub(crate) fn notify_panic(&mut self, to: &Address, handler: HandlerId, text: &str, next: AfterPanic) {
        self.batch.counts_mut().panics += 1;
        self.batch.notify(Notice::Panicked {
            entity: self.entities.name_of(to),
            handler: self.entities.handler_name(to, handler),
            text: text[..text.floor_char_boundary(REASON_BYTES_MAX)].to_owned(),
            trace: self.runner.trace().map(|context| context.trace),
            next,
        });
    }
}

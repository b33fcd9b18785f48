//! Asks: what an entity asks of another one, kept open as a cell under the asker until an answer ends it.
//!
//! ```text
//!   asker   ├ ask: cell, message ┤                               ├ answer: handler runs, cell goes ┤
//!                      └──── role ask ────▶ partner ──── role reply ────┘
//! ```
//!
//! The number of the ask is one of the partition's, so it is never given out again. It travels with both messages.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; planted `ask-left-by-delete`.

use std::num::NonZeroU64;

use apostate_core::limits::ASKS_PER_ENTITY_MAX;
use apostate_core::{Address, Answer, Asked, OnRefused, encode};

use crate::cells::ask::OpenAsk;
use crate::cells::cell;
use crate::cells::timer::TimerSub;
use crate::entities::{Item, Name};
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

impl Handling<'_> {
    /// Whether what the run has asked is too much, with the asks that the entity has open.
    pub(super) fn has_too_many_asks(&self, asker: &Address) -> bool {
        let asked = self.runner.effects().asks();
        asked > 0 && asked + self.entities.open_work().asks_of(asker).count() > ASKS_PER_ENTITY_MAX
    }

    /// Opens an ask, and sets its deadline. Gives the message as one that is asked.
    pub(super) fn open_ask(&mut self, asker: &Address, asked: Asked, message: Message) -> Message {
        let Asked { then, within } = asked;
        let number = NonZeroU64::new(self.log.number()).expect("P4 broken: numbers begin at 1");
        let deadline = self.now.after(within);
        let ask = OpenAsk { then, deadline, partner: message.to.clone() };
        self.begin_work(asker, Name::Ask(number), Item::Ask(ask));
        let (body, trace) = (encode(&Answer::<()>::Expired).into_boxed_slice(), message.trace.clone());
        let expired = Message { body, trace, ..Message::between(asker, asker, then, Role::Reply, Some(number)) };
        self.set_timer(asker, &deadline_of(number), deadline, &expired);
        let on_refused = OnRefused::Tell { handler: then };
        Message { role: Role::Ask, about: Some(number), on_refused, ..message }
    }

    /// The open ask that an answer is about.
    pub(super) fn ask_of(&self, answer: &Message) -> Option<&OpenAsk> {
        self.entities.open_work().ask(&answer.to, answer.about?)
    }

    /// Ends the ask that an answer was about.
    pub(super) fn end_ask(&mut self, answer: &Message) {
        let Some(number) = answer.about else { return };
        if !planted::is(Bug::ReplyDroppedCellKept) {
            self.end_work(&answer.to, &Name::Ask(number));
        }
        if !planted::is(Bug::DeadlineAndReplyBoth) {
            self.cancel_timer(&answer.to, &deadline_of(number));
        }
    }

    /// Ends all asks of an entity that is deleted. Nobody is told, and answers that come are dropped.
    pub(super) fn drop_asks(&mut self, asker: &Address) {
        if planted::is(Bug::AskLeftByDelete) {
            return;
        }
        let numbers: Vec<_> = self.entities.open_work().asks_of(asker).collect();
        for number in numbers {
            self.cancel_timer(asker, &deadline_of(number));
            self.end_work(asker, &Name::Ask(number));
        }
    }

    /// Sends the answer to a message that was asked.
    pub(super) fn answer_asker(&mut self, asked: &Message, body: Vec<u8>) {
        let (Some(asker), OnRefused::Tell { handler }) = (&asked.from, asked.on_refused) else {
            panic!("E1 broken: a message was asked that says not who takes the answer");
        };
        let (body, trace) = (body.into_boxed_slice(), self.next_trace());
        let answer = Message { body, trace, ..Message::between(&asked.to, asker, handler, Role::Reply, asked.about) };
        if planted::is(Bug::AskAnsweredTwice) {
            self.post(answer.clone());
        }
        self.post(answer);
    }

    /// Begins an item of open work, with room for its cell in the record.
    pub(super) fn begin_work(&mut self, of: &Address, name: Name, item: Item) {
        self.batch.reserve(cell::key_bytes(of) + name.cell_bytes() + item.length());
        self.entities.open_work_mut().begin(of, name, item);
    }

    /// Ends an item of open work, with room for that in the record.
    pub(super) fn end_work(&mut self, of: &Address, name: &Name) {
        self.batch.reserve(cell::key_bytes(of) + name.cell_bytes());
        self.entities.open_work_mut().end(of, name);
    }
}

/// The timer of an ask's deadline.
fn deadline_of(number: NonZeroU64) -> TimerSub {
    TimerSub::Deadline(Role::Reply, number)
}

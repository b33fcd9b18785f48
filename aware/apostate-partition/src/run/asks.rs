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
use crate::cells::cell::{self, Section};
use crate::cells::timer::TimerSub;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

impl Handling<'_> {
    /// Whether what the run has asked is too much, with the asks that the entity has open.
    pub(super) fn has_too_many_asks(&self, asker: &Address) -> bool {
        let asked = self.runner.effects().asks();
        asked > 0 && asked + self.entities.open_work().of(Section::Asks, asker).count() > ASKS_PER_ENTITY_MAX
    }

    /// Opens an ask, and sets its deadline. Gives the message as one that is asked.
    pub(super) fn open_ask(&mut self, asker: &Address, asked: Asked, message: Message) -> Message {
        let Asked { then, within } = asked;
        let number = NonZeroU64::new(self.log.number()).expect("P4 broken: numbers begin at 1");
        let ask = OpenAsk { then, deadline: self.now.after(within), partner: message.to.clone() };
        self.change_work(&OpenAsk::key(asker, number), Some(&ask.write()));
        let (body, trace) = (encode(&Answer::<()>::Expired).into_boxed_slice(), message.trace.clone());
        let expired = Message { body, trace, ..Message::between(asker, asker, then, Role::Reply, Some(number)) };
        self.set_timer(asker, &deadline_of(number), ask.deadline, &expired);
        let on_refused = OnRefused::Tell { handler: then };
        Message { role: Role::Ask, about: Some(number), on_refused, ..message }
    }

    /// The open ask that an answer is about.
    pub(super) fn ask_of(&self, answer: &Message) -> Option<OpenAsk> {
        let value = self.entities.open_work().get(&OpenAsk::key(&answer.to, answer.about?))?;
        Some(OpenAsk::read(value).expect("P4 broken: an open ask does not read"))
    }

    /// Ends the ask that an answer was about.
    pub(super) fn end_ask(&mut self, answer: &Message) {
        let Some(number) = answer.about else { return };
        if !planted::is(Bug::ReplyDroppedCellKept) {
            self.change_work(&OpenAsk::key(&answer.to, number), None);
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
        let open = self.entities.open_work().of(Section::Asks, asker);
        let keys: Vec<Box<[u8]>> = open.map(|(key, _)| key.into()).collect();
        for key in keys {
            let number = cell::read_key(&key).and_then(|key| OpenAsk::read_number(key.sub));
            self.cancel_timer(asker, &deadline_of(number.expect("P4 broken: the key of an ask does not read")));
            self.change_work(&key, None);
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

    /// Changes a cell of open work, and reserves room for it in the record.
    pub(super) fn change_work(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.batch.reserve(key.len() + value.map_or(0, <[u8]>::len) + CHANGE_BYTES);
        self.entities.open_work_mut().change(key, value);
    }
}

/// The timer of an ask's deadline.
fn deadline_of(number: NonZeroU64) -> TimerSub {
    TimerSub::Deadline(Role::Reply, number)
}

/// Bytes that a change of a cell takes in a record besides its key and its value.
const CHANGE_BYTES: usize = 7;

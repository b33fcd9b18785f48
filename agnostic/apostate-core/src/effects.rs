//! The effects of a handler run: messages, timers, reply, deletion. Nothing of it has happened yet.

use std::time::Duration;

use serde::Serialize;

use crate::limits::{
    ACTIVITY_OVERHEAD_BYTES, AGREEMENT_OVERHEAD_BYTES, ASK_OVERHEAD_BYTES, LEG_OVERHEAD_BYTES, OWED_OVERHEAD_BYTES,
    SENT_OVERHEAD_BYTES, TIMER_NAME_BYTES_MAX, TIMER_OVERHEAD_BYTES, TIMERS_PER_ENTITY_MAX, TX_BYTES_MAX,
    TX_MESSAGES_MAX, TX_TIMERS_MAX,
};
use crate::{
    ActivityChange, Address, AnswersLater, GivenAnswer, Invocation, PendingTimers, Proposed, Refusal, Sent, SentAs,
    TimerKey, Timestamp, TryOf, encode_into,
};

/// All that a handler run asks for besides the entity's new state.
#[derive(Debug, Default)]
pub struct Effects {
    /// Messages, in the order sent.
    pub sent: Vec<Sent>,
    /// The reply, encoded; empty if no reply is wanted.
    pub reply: Vec<u8>,
    /// Whether the entity is to be deleted.
    pub deleted: bool,
    /// Activities that have changed, each once.
    pub activities: Vec<ActivityChange>,
    /// Timers that are set or cancelled, each key once, in the order of the last change. Those of an entity that is deleted mean nothing.
    pub timers: Vec<TimerChange>,
    /// Agreements that are proposed. Their tries stand among the messages, each where it was proposed.
    pub proposals: Vec<Proposed>,
    /// Whether the call under way is answered later, where somebody waits for its answer.
    pub later: Option<AnswersLater>,
    /// Answers to earlier calls, each once.
    pub answers: Vec<GivenAnswer>,
    /// Bytes of messages, timers, activities and reply; counts on past the limit, although nothing is kept there.
    bytes: usize,
    messages: usize,
    /// Timers that were set, whatever became of them.
    timers_set: usize,
    /// Timers that the entity will have; unknown until one is set or cancelled.
    timers_pending: Option<usize>,
    has_too_many_timers: bool,
    asks: usize,
    /// Whether the handler has taken the token for the call under way, and whether it has returned it.
    later_taken: bool,
    later_returned: bool,
}

/// A change of a timer by a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// Set; one that had this key is replaced.
    Set {
        /// The key.
        key: TimerKey,
        /// When the message is due.
        due: Timestamp,
        /// The message.
        sent: Sent,
    },
    /// Cancelled.
    Cancelled(TimerKey),
}

impl TimerChange {
    /// The key of the timer that has changed.
    #[must_use]
    pub fn key(&self) -> &TimerKey {
        match self {
            Self::Set { key, .. } | Self::Cancelled(key) => key,
        }
    }
}

/// Bytes of an entity's key as it is written at most: a zero takes two in a cell's key.
#[doc(hidden)]
#[must_use]
pub fn written_key_bytes(address: &Address) -> usize {
    let key = address.key().as_bytes();
    key.len() + key.iter().filter(|byte| **byte == 0).count()
}

impl Effects {
    /// Empties the list for the next run, and keeps its allocation.
    #[inline]
    pub fn clear(&mut self) {
        let Self {
            sent,
            reply,
            deleted,
            activities,
            timers,
            proposals,
            later,
            answers,
            bytes,
            messages,
            timers_set,
            timers_pending,
            has_too_many_timers,
            asks,
            later_taken,
            later_returned,
        } = self;
        sent.clear();
        activities.clear();
        timers.clear();
        proposals.clear();
        reply.clear();
        *deleted = false;
        *bytes = 0;
        *messages = 0;
        *timers_set = 0;
        *timers_pending = None;
        *has_too_many_timers = false;
        *asks = 0;
        *later = None;
        answers.clear();
        *later_taken = false;
        *later_returned = false;
    }

    /// Bytes of messages, timers, activities and reply, as they will be written down.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more was sent than one run may send, or more timers were set than there may be.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.bytes > TX_BYTES_MAX || self.messages > TX_MESSAGES_MAX || (self.has_too_many_timers && !self.deleted)
    }

    /// Messages that were asked.
    #[must_use]
    pub fn asks(&self) -> usize {
        self.asks
    }

    /// Sends a message of the entity `from`. Both keys are written twice: with the message, and in the key of the cell that holds it.
    pub(crate) fn send(&mut self, from: &Address, sent: Sent) {
        self.messages += 1;
        let keys = written_key_bytes(from) + written_key_bytes(&sent.to);
        self.bytes += SENT_OVERHEAD_BYTES + sent.body.len() + 2 * keys;
        match &sent.sent_as {
            // Legs are counted where they are proposed.
            SentAs::Plain | SentAs::Try(_) => {}
            SentAs::Asked(_) => {
                // The cell of the ask and that of its deadline, each with both keys.
                self.asks += 1;
                self.bytes += ASK_OVERHEAD_BYTES + 2 * keys;
            }
        }
        if !self.is_over_limit() {
            self.sent.push(sent);
        }
    }

    /// Proposes an agreement of the entity `from`: its header and its deadline are written down, and for each leg the try and a cell of its
    /// own. A leg's ending has no body but the value of its confirm, which is counted with the cell, so it is smaller than both: an agreement
    /// that one run can propose is one that one transaction can decide.
    pub(crate) fn propose(&mut self, from: &Address, proposed: Proposed, tries: impl Iterator<Item = Sent>) {
        let own = written_key_bytes(from);
        self.bytes += AGREEMENT_OVERHEAD_BYTES + 4 * own;
        for sent in tries {
            let SentAs::Try(TryOf { confirm_with, .. }) = &sent.sent_as else { unreachable!("a leg is a try") };
            let value = confirm_with.as_ref().map_or(0, |value| value.len());
            self.bytes += LEG_OVERHEAD_BYTES + value + own + written_key_bytes(&sent.to);
            self.send(from, sent);
        }
        if !self.is_over_limit() {
            self.proposals.push(proposed);
        }
    }

    /// Activities of the entity `of` have changed. All keys are written with each.
    pub(crate) fn change_activities(&mut self, of: &Address, changes: Vec<ActivityChange>) {
        for ActivityChange { partner, value } in &changes {
            let value = value.as_ref().map_or(0, |value| value.len());
            self.bytes += ACTIVITY_OVERHEAD_BYTES + value + written_key_bytes(of) + partner.as_bytes().len();
        }
        self.activities = changes;
    }

    /// Timers that the run has set so far.
    pub(crate) fn timers_set(&self) -> usize {
        self.timers_set
    }

    /// Sets a timer of the entity that the invocation is for.
    pub(crate) fn set_timer(&mut self, run: &Invocation<'_>, key: TimerKey, due: Timestamp, sent: Sent) {
        self.timers_set += 1;
        let keys = 2 * written_key_bytes(run.to) + written_key_bytes(&sent.to);
        self.bytes += TIMER_OVERHEAD_BYTES + key.length() + keys + sent.body.len();
        if !self.is_pending(run.timers, &key) {
            *self.timers_pending_mut(run.timers) += 1;
        }
        let is_too_many = self.timers_set > TX_TIMERS_MAX || self.timers_pending > Some(TIMERS_PER_ENTITY_MAX);
        self.has_too_many_timers |= is_too_many;
        if !self.is_over_limit() {
            self.timers.retain(|change| *change.key() != key);
            self.timers.push(TimerChange::Set { key, due, sent });
        }
    }

    /// Cancels a timer. False: it was not pending.
    pub(crate) fn cancel_timer(&mut self, run: &Invocation<'_>, key: TimerKey) -> bool {
        if !self.is_pending(run.timers, &key) {
            return false;
        }
        *self.timers_pending_mut(run.timers) -= 1;
        self.timers.retain(|change| *change.key() != key);
        if run.timers.is_pending(&key) {
            self.bytes += TIMER_OVERHEAD_BYTES + key.length() + written_key_bytes(run.to);
            self.timers.push(TimerChange::Cancelled(key));
        }
        true
    }

    /// Deletes the entity, and all timers that it has.
    pub(crate) fn delete(&mut self, run: &Invocation<'_>) {
        if !std::mem::replace(&mut self.deleted, true) {
            let of_one = TIMER_OVERHEAD_BYTES + TIMER_NAME_BYTES_MAX + written_key_bytes(run.to);
            self.bytes += run.timers.count() * of_one;
        }
    }

    /// Whether a timer is pending, after all that the run has done so far.
    fn is_pending(&self, before: &dyn PendingTimers, key: &TimerKey) -> bool {
        match self.timers.iter().find(|change| change.key() == key) {
            Some(TimerChange::Set { .. }) => true,
            Some(TimerChange::Cancelled(_)) => false,
            None => before.is_pending(key),
        }
    }

    fn timers_pending_mut(&mut self, before: &dyn PendingTimers) -> &mut usize {
        self.timers_pending.get_or_insert_with(|| before.count())
    }

    /// The handler has taken the token for the call under way.
    pub(crate) fn take_later(&mut self) {
        self.later_taken = true;
    }

    /// Whether the handler has taken the token for the call under way, and returned it; or neither.
    pub(crate) fn is_later_returned(&self) -> bool {
        self.later_taken == self.later_returned
    }

    /// The handler has returned the token for the call under way.
    pub(crate) fn return_later(&mut self, run: &Invocation<'_>, within: Option<Duration>) {
        self.later_returned = true;
        if run.wants_reply {
            self.later = Some(AnswersLater { number: run.version, within });
            self.bytes += OWED_OVERHEAD_BYTES + 4 * written_key_bytes(run.to);
        }
    }

    /// Gives an answer. False: nobody waits for it.
    pub(crate) fn give_answer(&mut self, run: &Invocation<'_>, given: GivenAnswer) -> bool {
        let GivenAnswer { number, answer } = &given;
        let is_own = *number == run.version && self.later_taken && run.wants_reply;
        let is_given = self.answers.iter().any(|given| given.number == *number);
        if is_given || !(is_own || run.owed.is_owed(*number)) {
            return false;
        }
        let length = answer.as_ref().map_or_else(|why| why.code.len() + why.text.len(), Vec::len);
        self.bytes += OWED_OVERHEAD_BYTES + 4 * written_key_bytes(run.to) + length;
        if !self.is_over_limit() {
            self.answers.push(given);
        }
        true
    }

    /// The answer that the run has given to its own call already, if it has.
    pub fn take_own_answer(&mut self) -> Option<Result<Vec<u8>, Refusal>> {
        let own = self.later?.number;
        let at = self.answers.iter().position(|given| given.number == own)?;
        Some(self.answers.remove(at).answer)
    }

    /// The reply is the answer to the entity `asker`: it leaves as a message.
    pub(crate) fn note_answer(&mut self, of: &Address, asker: &Address) {
        self.bytes += SENT_OVERHEAD_BYTES + 2 * (written_key_bytes(of) + written_key_bytes(asker));
    }

    pub(crate) fn set_reply<R: Serialize + ?Sized>(&mut self, reply: &R) {
        self.reply.clear();
        encode_into(reply, &mut self.reply);
        self.bytes += self.reply.len();
    }
}

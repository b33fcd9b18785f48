//! Mailbox: the way to an executor, emptied in one go.
//!
//! To post takes a lock for a moment, and a system call only when the executor sleeps. The log's writer does not even post: it sets a
//! flag, and a hundred times before the next turn are one.
//!
//! A message comes with the version of the route table that its sender went by. When a partition moves away, what is here for it goes along,
//! and what comes later by an older table is given back, to be sent by the new one.

use std::mem::{swap, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use apostate_log::PartitionId;

use crate::answers::queues::CompletionQueues;
use crate::executor::messages::ExecutorMessage;
use crate::sync::{lock, wait, wait_timeout};

/// The mailbox of one executor.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    contents: Mutex<MailboxContents>,
    arrived: Condvar,
    /// Where refused requests are answered.
    queues: Arc<CompletionQueues>,
}

#[derive(Debug, Default)]
struct MailboxContents {
    messages: Vec<ExecutorMessage>,
    /// Partitions whose logs have results.
    results: Vec<PartitionId>,
    /// Whether the executor is to wake up for something that is not here.
    is_woken: bool,
    is_asleep: bool,
    is_closed: bool,
    /// The route table by which a partition last moved away.
    left_with: u64,
}

impl Mailbox {
    pub(crate) fn new(queues: Arc<CompletionQueues>) -> Self {
        Self { queues, ..Self::default() }
    }

    pub(crate) fn queues(&self) -> &CompletionQueues {
        &self.queues
    }

    /// Puts `message` in, which goes by the route table of this version, or refuses it when the executor has ended. Gives it back if the
    /// table is too old.
    #[must_use = "what is given back is to be sent again"]
    pub(crate) fn post(&self, message: ExecutorMessage, version: u64) -> Option<ExecutorMessage> {
        let mut contents = lock(&self.contents);
        if contents.left_with > version {
            return Some(message);
        }
        if contents.is_closed {
            drop(contents);
            message.refuse(&self.queues);
            return None;
        }
        contents.messages.push(message);
        self.wake(contents);
        None
    }

    /// Puts all of `batch` in, as [`post`](Self::post) does, and leaves it empty. False: the table is too old, and all is left in the batch.
    #[must_use = "what is left is to be sent again"]
    pub(crate) fn post_all(&self, batch: &mut Vec<ExecutorMessage>, version: u64) -> bool {
        if batch.is_empty() {
            return true;
        }
        let mut contents = lock(&self.contents);
        if contents.left_with > version {
            return false;
        }
        if contents.is_closed {
            drop(contents);
            batch.drain(..).for_each(|message| message.refuse(&self.queues));
            return true;
        }
        contents.messages.append(batch);
        self.wake(contents);
        true
    }

    /// Puts in what is for the executor itself, and not for a partition.
    pub(crate) fn tell(&self, message: ExecutorMessage) {
        debug_assert!(message.partition().is_none(), "it may have moved");
        let mut contents = lock(&self.contents);
        if !contents.is_closed {
            contents.messages.push(message);
            self.wake(contents);
        }
    }

    /// Moves a partition from here to `other`: there it arrives, and then all that is here for it. `publish` replaces the route table by the
    /// one of this version, and nothing is put in or taken out meanwhile. False: the other executor has ended, and nothing was done.
    ///
    /// Locks both mailboxes; whoever calls it sees to it that nobody else does that.
    pub(crate) fn hand_over(&self, other: &Self, partition: PartitionId, version: u64, publish: impl FnOnce()) -> bool {
        let mut from = lock(&self.contents);
        let mut to = lock(&other.contents);
        if to.is_closed {
            return false;
        }
        to.messages.push(ExecutorMessage::Arrived { partition });
        let goes = |message: &mut ExecutorMessage| message.partition() == Some(partition);
        to.messages.extend(from.messages.extract_if(.., goes));
        from.left_with = version;
        publish();
        drop(from);
        other.wake(to);
        true
    }

    /// The log of a partition of this executor has results.
    pub(crate) fn wake_for_log(&self, partition: PartitionId) {
        let mut contents = lock(&self.contents);
        contents.results.push(partition);
        self.wake(contents);
    }

    /// There is something to do that is not here.
    pub(crate) fn wake_up(&self) {
        let mut contents = lock(&self.contents);
        contents.is_woken = true;
        self.wake(contents);
    }

    /// Takes everything out: messages, and the partitions whose logs have results. Both must be empty; their room is reused.
    pub(crate) fn take(&self, messages: &mut Vec<ExecutorMessage>, results: &mut Vec<PartitionId>) {
        lock(&self.contents).empty_into(messages, results);
    }

    /// As [`take`](Self::take), and sleeps until there is something, or until `deadline`.
    pub(crate) fn wait(
        &self,
        deadline: Option<Instant>,
        messages: &mut Vec<ExecutorMessage>,
        results: &mut Vec<PartitionId>,
    ) {
        let mut contents = lock(&self.contents);
        while contents.messages.is_empty() && contents.results.is_empty() && !contents.is_woken {
            contents.is_asleep = true;
            contents = match deadline {
                None => wait(&self.arrived, contents),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    wait_timeout(&self.arrived, contents, left)
                }
            };
        }
        contents.is_asleep = false;
        contents.empty_into(messages, results);
    }

    /// Takes no more messages from now on, and refuses what is left.
    pub(crate) fn close(&self) {
        let mut contents = lock(&self.contents);
        contents.is_closed = true;
        let left = take(&mut contents.messages);
        drop(contents);
        left.into_iter().for_each(|message| message.refuse(&self.queues));
    }

    fn wake(&self, mut contents: MutexGuard<'_, MailboxContents>) {
        if take(&mut contents.is_asleep) {
            drop(contents);
            self.arrived.notify_one();
        }
    }
}

impl MailboxContents {
    fn empty_into(&mut self, messages: &mut Vec<ExecutorMessage>, results: &mut Vec<PartitionId>) {
        swap(&mut self.messages, messages);
        swap(&mut self.results, results);
        self.is_woken = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use crossbeam_channel::TryRecvError;

    use super::*;

    #[test]
    fn messages_and_the_log_wake_a_sleeper() {
        let mailbox = Arc::new(Mailbox::default());
        let sleeper = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                let (mut messages, mut results) = (Vec::new(), Vec::new());
                mailbox.wait(None, &mut messages, &mut results);
                (results, messages.len())
            })
        };
        mailbox.wake_for_log(PartitionId(7));
        assert_eq!(sleeper.join().expect("woken"), (vec![PartitionId(7)], 0));
        mailbox.tell(ExecutorMessage::Quit);
        let (mut messages, mut results) = (Vec::new(), Vec::new());
        mailbox.wait(None, &mut messages, &mut results);
        assert_eq!((messages.len(), results.len()), (1, 0));
    }

    #[test]
    fn nobody_sleeps_past_the_deadline() {
        let (mut messages, mut results) = (Vec::new(), Vec::new());
        let deadline = Instant::now() + Duration::from_millis(5);
        Mailbox::default().wait(Some(deadline), &mut messages, &mut results);
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn a_closed_mailbox_refuses_what_it_holds_and_what_comes() {
        let mailbox = Mailbox::default();
        let post = || {
            let (reply, receiver) = crossbeam_channel::bounded(1);
            assert!(mailbox.post(ExecutorMessage::Checkpoint { partition: PartitionId(1), reply }, 1).is_none());
            receiver
        };
        let held = post();
        assert_eq!(held.try_recv(), Err(TryRecvError::Empty), "an open one refuses nothing");
        mailbox.close();
        for receiver in [held, post()] {
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        }
    }
}

//! Mailbox: the way to an executor, emptied in one go.
//!
//! To post takes a lock for a moment, and a system call only when the executor sleeps. The log's writer does not even post: it sets a
//! flag, and a hundred times before the next turn are one.

use std::mem::{swap, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

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
    /// Whether a log has results.
    has_log_results: bool,
    is_asleep: bool,
    is_closed: bool,
}

impl Mailbox {
    pub(crate) fn new(queues: Arc<CompletionQueues>) -> Self {
        Self { queues, ..Self::default() }
    }

    pub(crate) fn queues(&self) -> &CompletionQueues {
        &self.queues
    }

    /// Puts `message` in, or refuses it when the executor has ended.
    pub(crate) fn post(&self, message: ExecutorMessage) {
        let mut contents = lock(&self.contents);
        if contents.is_closed {
            drop(contents);
            message.refuse(&self.queues);
            return;
        }
        contents.messages.push(message);
        self.wake(contents);
    }

    /// Puts all of `batch` in, as [`post`](Self::post) does, and leaves it empty.
    pub(crate) fn post_all(&self, batch: &mut Vec<ExecutorMessage>) {
        if batch.is_empty() {
            return;
        }
        let mut contents = lock(&self.contents);
        if contents.is_closed {
            drop(contents);
            batch.drain(..).for_each(|message| message.refuse(&self.queues));
            return;
        }
        contents.messages.append(batch);
        self.wake(contents);
    }

    /// A log of this executor has results.
    pub(crate) fn wake_for_log(&self) {
        let mut contents = lock(&self.contents);
        contents.has_log_results = true;
        self.wake(contents);
    }

    /// Takes everything out; `into` must be empty, its room is reused. Whether a log has results.
    pub(crate) fn take(&self, into: &mut Vec<ExecutorMessage>) -> bool {
        let mut contents = lock(&self.contents);
        swap(&mut contents.messages, into);
        take(&mut contents.has_log_results)
    }

    /// As [`take`](Self::take), and sleeps until there is something, or until `deadline`.
    pub(crate) fn wait(&self, deadline: Option<Instant>, into: &mut Vec<ExecutorMessage>) -> bool {
        let mut contents = lock(&self.contents);
        while contents.messages.is_empty() && !contents.has_log_results {
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
        swap(&mut contents.messages, into);
        take(&mut contents.has_log_results)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use apostate_log::PartitionId;
    use crossbeam_channel::TryRecvError;

    use super::*;

    #[test]
    fn messages_and_the_log_wake_a_sleeper() {
        let mailbox = Arc::new(Mailbox::default());
        let sleeper = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                let mut messages = Vec::new();
                let has_log = mailbox.wait(None, &mut messages);
                (has_log, messages.len())
            })
        };
        mailbox.wake_for_log();
        assert_eq!(sleeper.join().expect("woken"), (true, 0));
        mailbox.post(ExecutorMessage::Quit);
        let mut messages = Vec::new();
        assert!(!mailbox.wait(None, &mut messages));
        assert_eq!(messages.len(), 1);
    }

    #[test]
    fn nobody_sleeps_past_the_deadline() {
        let mut messages = Vec::new();
        let deadline = Instant::now() + Duration::from_millis(5);
        assert!(!Mailbox::default().wait(Some(deadline), &mut messages));
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn a_closed_mailbox_refuses_what_it_holds_and_what_comes() {
        let mailbox = Mailbox::default();
        let post = || {
            let (reply, receiver) = crossbeam_channel::bounded(1);
            mailbox.post(ExecutorMessage::Checkpoint { partition: PartitionId(1), reply });
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

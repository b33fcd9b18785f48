//! How an executor is reached: one mailbox for each, emptied in one go.
//!
//! Whoever posts takes a lock for a moment and makes a system call only when the executor sleeps. The log's writer does not
//! even post: it *rings*, and a hundred rings before the next look are one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::executor::messages::ExecutorMessage;

/// One executor's mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    mail: Vec<ExecutorMessage>,
    is_rung: bool,
    is_asleep: bool,
    is_closed: bool,
}

impl Mailbox {
    /// Puts `mail` in. Whoever waits for it is told if nobody will ever look here again.
    pub(crate) fn post(&self, mail: ExecutorMessage) {
        let mut inner = self.lock();
        if inner.is_closed {
            drop(inner);
            mail.refuse();
            return;
        }
        inner.mail.push(mail);
        self.wake(inner);
    }

    /// Puts all of `batch` in, as [`post`](Self::post) does, and leaves it empty.
    pub(crate) fn post_all(&self, batch: &mut Vec<ExecutorMessage>) {
        if batch.is_empty() {
            return;
        }
        let mut inner = self.lock();
        if inner.is_closed {
            drop(inner);
            batch.drain(..).for_each(ExecutorMessage::refuse);
            return;
        }
        inner.mail.append(batch);
        self.wake(inner);
    }

    /// The log has something to say.
    pub(crate) fn ring(&self) {
        let mut inner = self.lock();
        inner.is_rung = true;
        self.wake(inner);
    }

    /// Takes everything out; `into` must be empty, its room is reused. Returns whether it was rung.
    pub(crate) fn take(&self, into: &mut Vec<ExecutorMessage>) -> bool {
        let mut inner = self.lock();
        std::mem::swap(&mut inner.mail, into);
        std::mem::take(&mut inner.is_rung)
    }

    /// As [`take`](Self::take), and sleeps until there is something, or until `deadline`.
    pub(crate) fn wait(&self, deadline: Option<Instant>, into: &mut Vec<ExecutorMessage>) -> bool {
        let mut inner = self.lock();
        while inner.mail.is_empty() && !inner.is_rung {
            inner.is_asleep = true;
            inner = match deadline {
                None => self.arrived.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.arrived.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        inner.is_asleep = false;
        std::mem::swap(&mut inner.mail, into);
        std::mem::take(&mut inner.is_rung)
    }

    /// Takes no more mail from now on; what is left is refused.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        let left = std::mem::take(&mut inner.mail);
        drop(inner);
        left.into_iter().for_each(ExecutorMessage::refuse);
    }

    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        if std::mem::take(&mut inner.is_asleep) {
            drop(inner);
            self.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn mail_and_rings_wake_a_sleeper() {
        let mailbox = Arc::new(Mailbox::default());
        let sleeper = {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || {
                let mut mail = Vec::new();
                let rung = mailbox.wait(None, &mut mail);
                (rung, mail.len())
            })
        };
        mailbox.ring();
        assert_eq!(sleeper.join().expect("woken"), (true, 0));
        mailbox.post(ExecutorMessage::Quit);
        let mut mail = Vec::new();
        assert!(!mailbox.wait(None, &mut mail));
        assert_eq!(mail.len(), 1);
    }

    #[test]
    fn nobody_sleeps_past_the_deadline() {
        let mut mail = Vec::new();
        let deadline = Instant::now() + Duration::from_millis(5);
        assert!(!Mailbox::default().wait(Some(deadline), &mut mail));
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn a_closed_mailbox_refuses_what_it_holds_and_what_comes() {
        let mailbox = Mailbox::default();
        let post = || {
            let (tell, told) = crossbeam_channel::bounded(1);
            mailbox.post(ExecutorMessage::Checkpoint { host: 0, tell });
            told
        };
        let held = post();
        assert_eq!(held.try_recv(), Err(TryRecvError::Empty), "an open one refuses nothing");
        mailbox.close();
        for told in [held, post()] {
            assert_eq!(told.try_recv(), Err(TryRecvError::Disconnected));
        }
    }
}

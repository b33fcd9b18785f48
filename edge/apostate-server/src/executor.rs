//! The executor: one thread that owns its partitions, and shares nothing of them with anybody.
//!
//! ```text
//!            ┌──────────────────────── a turn ────────────────────────┐
//!   mailbox ─▶ hand over all that arrived ─▶ Turn ─▶ carry out effects ─▶ post to others ─▶ sleep
//!            └────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything that meets other threads happens at the boundaries of a turn, in batches: one lock to empty the mailbox,
//! one for each other executor that gets something, one for each producer that gets answers. Within a turn there are
//! none.
//!
//! Reading order: `mail` and `mailbox`, what arrives, and `routes`, at whom; `seat`, one partition here; `tickets`, who waits for it;
//! `outgoing`, what leaves.

mod mailbox;
pub(crate) mod messages;
pub(crate) mod routes;

pub(crate) mod host;
mod notice;
mod tickets;
pub(crate) mod wake_flag;

pub(crate) mod outgoing;

pub(crate) mod announcement;
pub(crate) mod opening;
pub(crate) mod status;

use std::sync::Arc;
use std::time::Instant;

use apostate_core::Timestamp;
use apostate_log::Store;
use apostate_partition::Input;

use crate::clock;
use crate::executor::announcement::Opened;
use crate::executor::host::Seat;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::{InHand, Mail};
use crate::executor::opening::SeatPlan;
use crate::executor::outgoing::{LocalFrame, Outgoing};

/// One executor. It lives on its own thread from [`run`](Self::run) on.
pub(crate) struct Executor {
    mailbox: Arc<Mailbox>,
    seats: Vec<Seat>,
    outgoing: Outgoing,
    mail: Vec<Mail>,
    frames: Vec<LocalFrame>,
}

/// Whether the executor goes on.
#[derive(PartialEq, Eq)]
enum Course {
    On,
    End,
}

/// Closes the mailbox when the executor ends, in whatever way: nobody is to wait for an answer from nowhere.
struct Closing(Arc<Mailbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Opens the partitions of `plans`, and runs them until it is told to quit. The body of an executor's thread.
pub(crate) fn run(mailbox: Arc<Mailbox>, plans: Vec<SeatPlan>, store: &dyn Store, opened: &Opened, outgoing: Outgoing) {
    let _closing = Closing(Arc::clone(&mailbox));
    let seats = plans.into_iter().map(|plan| plan.open(store, opened, &outgoing)).collect();
    Executor { mailbox, seats, outgoing, mail: Vec::new(), frames: Vec::new() }.run();
}

impl Executor {
    fn run(mut self) {
        loop {
            let is_rung = self.receive();
            let now = clock::now();
            if self.deliver(now) == Course::End {
                return;
            }
            self.deliver_local(now);
            for (index, seat) in self.seats.iter_mut().enumerate() {
                if is_rung {
                    seat.poll_log(now);
                }
                if seat.is_due(now) {
                    seat.turn(now, index, &mut self.outgoing);
                }
            }
            self.outgoing.send();
        }
    }

    /// Empties the mailbox; sleeps before it if there is nothing else to do. Returns whether a log rang.
    fn receive(&mut self) -> bool {
        if self.outgoing.has_local() || self.seats.iter().any(Seat::is_touched) {
            return self.mailbox.take(&mut self.mail);
        }
        let wake_at = self.seats.iter().filter_map(Seat::wake_at).min();
        let deadline = wake_at.map(|at| Instant::now() + at.since(clock::now()));
        self.mailbox.wait(deadline, &mut self.mail)
    }

    fn deliver(&mut self, now: Timestamp) -> Course {
        let mut mail = std::mem::take(&mut self.mail);
        let mut course = Course::On;
        let mut in_hand = InHand(mail.drain(..));
        for mail in in_hand.0.by_ref() {
            match mail {
                Mail::Quit => course = Course::End,
                // What came behind the end.
                mail if course == Course::End => mail.refuse(),
                mail => self.deliver_one(now, mail),
            }
        }
        drop(in_hand);
        self.mail = mail;
        course
    }

    fn deliver_one(&mut self, now: Timestamp, mail: Mail) {
        match mail {
            Mail::Start => self.seats.iter_mut().for_each(|seat| seat.give(now, [Input::Open])),
            Mail::Request { seat, request, promise } => self.seats[seat].request(now, request, promise),
            Mail::Stream { seat, requests, stream } => self.seats[seat].stream(requests, stream),
            Mail::Parked { seat, command, promise } => self.seats[seat].parked(now, command, promise),
            Mail::Frames { seat, from, frames } => {
                self.seats[seat].give(now, frames.into_iter().map(|bytes| Input::Frame { from, bytes }));
            }
            Mail::Loaded { seat, loaded } => self.seats[seat].give(now, loaded.into_iter().map(Input::Loaded)),
            Mail::Checkpointed { seat, result } => self.seats[seat].checkpointed(now, result),
            Mail::Checkpoint { seat, tell } => self.seats[seat].request_checkpoint(now, tell),
            Mail::Report { tell } => {
                for seat in &self.seats {
                    // Whoever asked may have gone.
                    let _ = tell.send(seat.report());
                }
            }
            Mail::Quit => unreachable!("handled by the caller"),
        }
    }

    fn deliver_local(&mut self, now: Timestamp) {
        self.outgoing.take_local(&mut self.frames);
        for LocalFrame { seat, from, bytes } in self.frames.drain(..) {
            self.seats[seat].give(now, [Input::Frame { from, bytes }]);
        }
    }
}

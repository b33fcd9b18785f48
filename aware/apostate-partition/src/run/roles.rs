//! Roles of messages: what the platform does around the author's handler, before it and after it.
//!
//! A message between entities is run in three parts: the prologue of its role, the author's handler, the epilogue of its role. All
//! three are in one undo scope: what they did stands in one batch, and is taken back with it. A role whose prologue leaves nothing to the author
//! never decodes the live value. Messages of some roles are for the platform alone: of the three there is one part, and no handler.
//!
//! `steps.rs` says what a role decides, each role with a handler has a file of its own, and [`steps_of`] is the one place that tells them apart.

mod ask;
mod ending;
mod plain;
mod reply;
mod steps;
mod tentative;
mod timer;

use crate::cells::agreement::LegAnswer;
use crate::entities::SlotId;
use crate::interface::{AfterPanic, Failure};
use crate::message::{Message, Role};
use crate::run::attempt::{Ran, Run};
use crate::run::handling::Handling;

use self::ask::Ask;
use self::ending::Ending;
use self::plain::Plain;
use self::reply::Reply;
use self::steps::{Prologue, RoleSteps, RunAs};
use self::tentative::Try;
use self::timer::Timer;

/// Purpose of a role's messages.
enum Steps {
    /// For a handler of the author's, with the platform's steps around it.
    Author(&'static dyn RoleSteps),
    /// For the platform alone: no handler runs, nothing can fail, and it is never parked.
    Platform(fn(&mut Handling<'_>, &Message)),
}

/// Steps of a role.
fn steps_of(role: Role) -> Steps {
    match role {
        Role::Plain => Steps::Author(&Plain),
        Role::Ask => Steps::Author(&Ask),
        Role::Reply => Steps::Author(&Reply),
        Role::Timer => Steps::Author(&Timer),
        Role::Try => Steps::Author(&Try),
        Role::Confirm | Role::Cancel | Role::Lapse => Steps::Author(&Ending),
        Role::Accepted => Steps::Platform(|handling, message| {
            handling.take_leg_answer(message, LegAnswer::Accepted(&message.body));
        }),
        Role::Refused => Steps::Platform(|handling, message| {
            handling.take_leg_answer(message, LegAnswer::Refused(&message.body));
        }),
        Role::Deadline => Steps::Platform(|handling, message| handling.expire_agreement(message)),
        Role::Overdue => Steps::Platform(|handling, message| handling.expire_owed(message)),
    }
}

/// Steps around the author's handler, of a message that one has run for.
fn around(message: &Message) -> &'static dyn RoleSteps {
    match steps_of(message.role) {
        Steps::Author(steps) => steps,
        Steps::Platform(_) => unreachable!("no handler runs for the platform's own messages"),
    }
}

/// Fate of a message that was run in its role.
pub(super) enum Fate {
    /// Done with, one way or another.
    Over,
    /// Comes again, once what its handler asks for is loaded; nothing was changed.
    Waits,
    /// For a handler that this build does not have; nothing was changed.
    Unknown,
    /// The handler panicked; nothing was changed.
    Panicked(String),
    /// The batch is given up.
    Abandoned,
}

impl Handling<'_> {
    /// Runs a message between entities, whose entity is here and of a known kind. `number` is the one that it has in the inbox.
    pub(super) fn run_in_role(&mut self, slot: SlotId, message: &Message, number: Option<u64>) -> Fate {
        let steps = match steps_of(message.role) {
            Steps::Author(steps) => steps,
            Steps::Platform(take) => {
                take(self, message);
                return Fate::Over;
            }
        };
        let RunAs { wants_reply, sender, handler, body, occasion } = match steps.prologue(self, message) {
            Prologue::Over => return Fate::Over,
            Prologue::Unknown => return Fate::Unknown,
            Prologue::Run(run_as) => run_as,
        };
        let (from, trace) = (sender.as_ref().or(message.from.as_ref()), message.trace.as_deref());
        let run = Run {
            slot,
            to: &message.to,
            from,
            handler,
            body: &body,
            wants_reply,
            is_refusable: false,
            occasion,
            trace,
        };
        match self.run(run) {
            Ran::Abandoned => return Fate::Abandoned,
            Ran::NeedsActivity => return Fate::Waits,
            Ran::Failed(Failure::UnknownHandler) => return Fate::Unknown,
            Ran::Panicked(text) => return Fate::Panicked(text),
            Ran::Done(_) => steps.done(self, message),
            Ran::Missing => steps.missing(self, message),
            Ran::Refused(why) => steps.refused(self, message, why),
            Ran::Failed(why) => steps.failed(self, message, number, &why),
        }
        Fate::Over
    }

    /// The end of a message that has panicked for too long.
    pub(super) fn end_of_panics(message: &Message) -> AfterPanic {
        if around(message).is_parked() { AfterPanic::Parked } else { AfterPanic::AnsweredAsFailed }
    }

    /// Gives up a message whose handler has panicked for too long. `number` is the one that it has in the inbox.
    pub(super) fn give_up(&mut self, message: &Message, number: Option<u64>, why: &Failure) {
        around(message).failed(self, message, number, why);
    }
}

//! Roles of messages: what the platform does around the author's handler, before it and after it.
//!
//! A message between entities is run in three parts: the prologue of its role, the author's handler, the epilogue of its role. All
//! three are in one undo scope: what they did stands in one batch, and is taken back with it. A role whose prologue leaves nothing to the author
//! never decodes the live value.
//!
//! `steps.rs` says what a role decides, each role has a file of its own, and [`steps_of`] is the one place that tells them apart.

mod ask;
mod ending;
mod leg;
mod overdue;
mod plain;
mod reply;
mod steps;
mod tentative;
mod timer;

use crate::entities::SlotId;
use crate::interface::{AfterPanic, Failure};
use crate::message::{Message, Role};
use crate::run::attempt::{Ran, Run};
use crate::run::handling::Handling;

use self::ask::Ask;
use self::ending::Ending;
use self::leg::OfAgreement;
use self::overdue::Overdue;
use self::plain::Plain;
use self::reply::Reply;
use self::steps::{Prologue, RoleSteps, RunAs};
use self::tentative::Try;
use self::timer::Timer;

/// Steps of a role.
fn steps_of(role: Role) -> &'static dyn RoleSteps {
    match role {
        Role::Plain => &Plain,
        Role::Ask => &Ask,
        Role::Reply => &Reply,
        Role::Timer => &Timer,
        Role::Overdue => &Overdue,
        Role::Try => &Try,
        Role::Accepted | Role::Refused | Role::Deadline => &OfAgreement,
        Role::Confirm | Role::Cancel | Role::Lapse => &Ending,
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
        let steps = steps_of(message.role);
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
        if steps_of(message.role).is_parked() { AfterPanic::Parked } else { AfterPanic::AnsweredAsFailed }
    }

    /// Gives up a message whose handler has panicked for too long. `number` is the one that it has in the inbox.
    pub(super) fn give_up(&mut self, message: &Message, number: Option<u64>, why: &Failure) {
        steps_of(message.role).failed(self, message, number, why);
    }
}

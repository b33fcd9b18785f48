//! The plain role: the handler runs, and no more. One that cannot be applied is parked.

use apostate_core::Refusal;

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::interface::Failure;
use crate::message::Message;
use crate::run::attempt::Occasion;
use crate::run::handling::Handling;

pub(super) struct Plain;

impl RoleSteps for Plain {
    fn prologue<'m>(&self, _: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        let occasion = message.about.map_or(Occasion::Other, Occasion::Told);
        Prologue::Run(RunAs { occasion, ..RunAs::plain(message) })
    }

    fn done(&self, _: &mut Handling<'_>, _: &Message) {}

    fn missing(&self, _: &mut Handling<'_>, _: &Message) {}

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        handling.tell_refused(message, why);
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure) {
        handling.park(number, message.clone(), why);
    }
}

//! Steps of a role: its decisions before the author's handler runs, and for each way in which that ends.

use std::borrow::Cow;

use apostate_core::{Address, HandlerId, Refusal};

use crate::interface::Failure;
use crate::message::Message;
use crate::run::attempt::Occasion;
use crate::run::handling::Handling;

/// Outcome of a prologue.
pub(super) enum Prologue<'m> {
    /// The message is done with: it has come too late for its handler.
    Over,
    /// The author's handler runs.
    Run(RunAs<'m>),
    /// A handler is needed that this build does not have.
    Unknown,
}

/// How the author's handler runs.
pub(super) struct RunAs<'m> {
    /// Whether its reply is wanted.
    pub(super) wants_reply: bool,
    /// The entity that it is told has sent the message; none: the one that has.
    pub(super) sender: Option<Address>,
    /// The handler.
    pub(super) handler: HandlerId,
    /// The arguments.
    pub(super) body: Cow<'m, [u8]>,
    /// The run's part in something larger.
    pub(super) occasion: Occasion,
}

impl<'m> RunAs<'m> {
    /// As the message says.
    pub(super) fn plain(message: &'m Message) -> Self {
        let (handler, body) = (message.handler, Cow::Borrowed(&message.body[..]));
        Self { wants_reply: false, sender: None, handler, body, occasion: Occasion::Other }
    }
}

/// The steps of a role. Of the four epilogues exactly one is taken, when the message is done with for good: none while the handler has to run again, or
/// when the prologue says that it is over.
pub(super) trait RoleSteps {
    /// The prologue, before each attempt: it may come several times before an epilogue does, and leaves no trace in a batch that goes on without
    /// the message.
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m>;

    /// The handler ran to its end, and what it did is kept.
    fn done(&self, handling: &mut Handling<'_>, message: &Message);

    /// The handler only reads, and there is no entity.
    fn missing(&self, handling: &mut Handling<'_>, message: &Message);

    /// The handler refused.
    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal);

    /// The message is given up: it cannot be run as it is, or has panicked for too long. `number` is the one that it has in the inbox.
    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure);

    /// Whether a message that is given up is parked.
    fn is_parked(&self) -> bool {
        true
    }
}

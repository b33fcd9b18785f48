//! Requests of a test to a world, and their answers, typed by the messages.

use apostate_core::{Address, Call, Entity, HandlerId, NotRefusable, Refusable, Refusal, decode};
use serde::de::DeserializeOwned;

use crate::finding::Finding;

/// A request from outside to one entity.
#[derive(Clone, Debug)]
pub(crate) struct TestRequest {
    pub(crate) to: Address,
    pub(crate) handler: HandlerId,
    pub(crate) body: Vec<u8>,
}

impl TestRequest {
    pub(crate) fn of<E: Entity, R, S, A>(call: Call<E, R, S, A>) -> Result<Self, Finding> {
        let Call { to, handler, body, .. } = call;
        let to = to.map_err(|error| Finding::Test(format!("the test has a message for no entity: {error}")))?;
        Ok(Self { to, handler, body })
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The reply, encoded.
    Done(Vec<u8>),
    /// The entity said no.
    Refused(Refusal),
    /// A read found no entity.
    Missing,
    /// Done, and answered later.
    Owed,
    /// Done, and not answered in time.
    Expired,
    /// Not done, for this reason.
    Failed(String),
}

/// How a message that changes something ends, as [`World::call`](crate::World::call) tells it. One that cannot be
/// refused gives its reply, one that can gives a `Result`.
#[diagnostic::on_unimplemented(
    message = "this message changes nothing, or does not say how it ends",
    label = "not a message to call or send",
    note = "a handler that takes `&self` only reads: `world.read(…)`"
)]
pub trait Ending<R> {
    /// The value that the caller gets.
    type Output;
    #[doc(hidden)]
    fn output(reply: Result<R, Refusal>) -> Result<Self::Output, Refusal>;
}

impl<R> Ending<R> for NotRefusable {
    type Output = R;
    fn output(reply: Result<R, Refusal>) -> Result<R, Refusal> {
        reply
    }
}

impl<R> Ending<R> for Refusable {
    type Output = Result<R, Refusal>;
    fn output(reply: Result<R, Refusal>) -> Result<Self::Output, Refusal> {
        Ok(reply)
    }
}

/// Reads a reply.
pub(crate) fn read<R: DeserializeOwned>(bytes: &[u8]) -> Result<R, Finding> {
    decode(bytes)
        .map_err(|error| Finding::Test(format!("a reply does not read as {}: {error}", std::any::type_name::<R>())))
}

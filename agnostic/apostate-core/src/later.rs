//! Answering later: a handler takes a token for the call under way, and a later transaction of its entity answers with it.
//!
//! ```text
//!   call ──▶ handler returns Later<R>, state keeps it ─ ─ ─ ▶ any later transaction: tx.answer(later, reply) ──▶ whoever waits
//! ```
//!
//! The token is a number of its entity: the version that the call gave it, which no other transaction ever has. Who waits is known to the layer
//! below; a run sees through [`OwedAnswers`] whether anybody does.
//!
//! Paper: *Messaging across entities*.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{Address, Refusal};

/// Token for the answer to a call, as a handler returns it that answers later: taken with [`Tx::later`](crate::Tx::later), kept in the state,
/// and given to [`Tx::answer`](crate::Tx::answer) or [`Tx::refuse`](crate::Tx::refuse) by a later transaction of the same entity.
///
/// It is data. Whoever has called waits meanwhile, also over restarts; if no answer has come in time, it is told so.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
#[must_use = "a call that is answered later is answered by nobody unless this is kept"]
pub struct Later<R> {
    /// The entity that was called, as a number.
    entity: u64,
    number: u64,
    #[serde(skip)]
    within: Option<Duration>,
    #[serde(skip)]
    reply: PhantomData<fn() -> R>,
}

impl<R> Later<R> {
    /// The token for the call that gives the entity `of` this version.
    pub(crate) fn new(of: &Address, number: u64) -> Self {
        Self { entity: mark_of(of), number, within: None, reply: PhantomData }
    }

    /// Says for how long the caller is to wait, from the commit of this transaction on: an answer that is given later changes nothing. Said of the
    /// value that the handler returns. If nothing is said, it waits for as long as the platform remembers calls, a day unless it is told otherwise.
    pub fn within(self, within: Duration) -> Self {
        Self { within: Some(within), ..self }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn wait(&self) -> Option<Duration> {
        self.within
    }

    pub(crate) fn is_of(&self, entity: &Address) -> bool {
        self.entity == mark_of(entity)
    }
}

/// An entity as a number. Not its hash alone: that of the key says nothing of the kind.
fn mark_of(entity: &Address) -> u64 {
    entity.hash() ^ u64::from(entity.kind().0).rotate_left(32)
}

impl<R> Clone for Later<R> {
    fn clone(&self) -> Self {
        Self { entity: self.entity, number: self.number, within: self.within, reply: PhantomData }
    }
}

/// Of two tokens it counts whether they are for the same call.
impl<R> PartialEq for Later<R> {
    fn eq(&self, other: &Self) -> bool {
        (self.entity, self.number) == (other.entity, other.number)
    }
}

impl<R> Eq for Later<R> {}

impl<R> fmt::Debug for Later<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Later({:016x}, {})", self.entity, self.number)
    }
}

impl<R> JsonSchema for Later<R> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Later".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "integer", "format": "uint64", "minimum": 0 });
        json_schema!({
            "type": "object",
            "properties": { "entity": number.clone(), "number": number },
            "required": ["entity", "number"],
        })
    }
}

/// The call under way is answered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswersLater {
    /// The number of its token: the version that the entity gets.
    pub number: u64,
    /// How long the caller is to wait; none: for as long as calls are remembered.
    pub within: Option<Duration>,
}

/// The answer to an earlier call, or to the one under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAnswer {
    /// The number of the call's token.
    pub number: u64,
    /// The reply, encoded; or the refusal.
    pub answer: Result<Vec<u8>, Refusal>,
}

/// Answers that an entity owes when a run begins: somebody waits for each of them.
pub trait OwedAnswers: fmt::Debug {
    /// Whether the answer with this number is one.
    fn is_owed(&self, number: u64) -> bool;
}

/// No answers are owed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnswers;

impl OwedAnswers for NoAnswers {
    fn is_owed(&self, _: u64) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntityKey, KindId, decode, encode};

    fn address(kind: &str, key: &str) -> Address {
        Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"))
    }

    #[test]
    fn a_token_is_data_and_is_for_one_call_of_one_entity() {
        let tea = address("stock", "tea");
        let later: Later<u32> = Later::new(&tea, 7).within(Duration::from_secs(5));
        let read: Later<u32> = decode(&encode(&later)).expect("a token");
        assert_eq!((&read, read.wait()), (&later, None), "how long is not part of it");
        assert!(read.is_of(&tea) && !read.is_of(&address("order", "tea")) && !read.is_of(&address("stock", "milk")));
        assert_ne!(later, Later::new(&tea, 8));
    }
}

//! The interface of both worlds: the few things that a test asks of them.

use apostate_core::{Address, KindId};

use crate::call::{Answer, TestRequest};
use crate::faults::Faults;
use crate::finding::Check;
use crate::names::Names;
use crate::trace::Trace;

/// How somebody outside asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskKind {
    /// With a client key, again and again until there is an answer.
    Call,
    /// The same, and nobody waits for the answer.
    Send,
    /// A read, which changes nothing.
    Read,
}

/// An entity as it is stored: who it is, and its state.
pub(crate) type Stored = (Address, Vec<u8>);

/// A world that messages move in.
pub(crate) trait Simulation {
    /// Asks for something, and lets the world go on until there is an answer.
    fn ask(&mut self, request: TestRequest, ask_kind: AskKind) -> Check<Answer>;
    /// Asks for something, and does not wait.
    fn send(&mut self, request: TestRequest) -> Check;
    /// Lets faults go on for a while, then heals everything and waits until no message is on its way.
    fn settle(&mut self) -> Check;
    /// Lets so many milliseconds pass.
    fn wait(&mut self, milliseconds: u64) -> Check;
    /// Every entity of a kind as it is committed now, in the order of their keys.
    fn all(&mut self, kind: KindId) -> Check<Vec<Stored>>;
    /// One entity as it is committed now.
    fn one(&mut self, address: &Address) -> Check<Option<Vec<u8>>>;
    /// Messages that were parked, and sends that failed.
    fn parked(&self) -> &[String];
    /// The trace so far.
    fn trace(&self) -> &Trace;
    /// The names of kinds and handlers.
    fn names(&self) -> &Names;
    /// Faults that were injected so far.
    fn faults(&self) -> Faults;
    /// Messages that took effect.
    fn messages(&self) -> u64;
    /// Where on the ring there are entities.
    fn hashes(&self) -> Vec<u64>;
}

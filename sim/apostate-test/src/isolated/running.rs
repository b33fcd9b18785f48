//! Runs, as they begin and end: where their messages come from, what comes before a handler, what came of it, and what is sent.

use std::borrow::Cow;

use apostate_core::{Address, HandlerId, OnRefused};
use apostate_partition::Role;

use super::node::{AskId, Message};
use super::timers::Posted;
use crate::call::Answer;

/// Where a message comes from, and what is committed together with its effects.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// A lane: its watermark.
    Lane,
    /// The inbox: the message leaves it.
    Inbox,
    /// The world outside: the answer, under its client key.
    Outside(AskId),
    /// The world outside, which only reads.
    Read,
}

/// The end of a run.
pub(super) enum RunEnd {
    /// A crash before the commit: the run has no effect.
    Crashed,
    /// Committed, with this answer: done or refused.
    Committed(Answer),
    /// A read found no entity.
    Missing,
    /// The handler panicked. Nothing was changed.
    Panicked(String),
    /// Not possible at all, for this reason: a word for programs, and a sentence.
    Impossible(&'static str, String),
}

/// A message that is about to be on its way.
pub(super) struct Post<'a> {
    pub(super) to: &'a Address,
    pub(super) handler: HandlerId,
    pub(super) role: Role,
    pub(super) about: u64,
    pub(super) on_refused: OnRefused,
    pub(super) body: Vec<u8>,
    pub(super) timer: Option<Posted>,
}

impl<'a> Post<'a> {
    /// A message whose handler runs, and no more.
    pub(super) fn plain(to: &'a Address, handler: HandlerId, on_refused: OnRefused, body: Vec<u8>) -> Self {
        Self { to, handler, role: Role::Plain, about: 0, on_refused, body, timer: None }
    }
}

/// Outcome of what comes before a handler.
pub(super) enum Prologue<'m> {
    /// The message is done with.
    Over(RunEnd),
    /// The handler of this message runs.
    Run(Cow<'m, Message>),
}

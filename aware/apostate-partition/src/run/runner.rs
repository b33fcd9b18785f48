//! The part that runs need beside their entity: random numbers, the host's observer, crash suspects, the trace, and buffers that
//! are kept for their room.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/traces.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, Effects, HandlerId, SplitMix64};

use crate::batch::RunName;
use crate::interface::{CrashSuspect, RunEnd, RunObserver};
use crate::limits::CRASHES_MAX;
use crate::trace::{SpanId, TraceContext};

/// Random numbers, observer, crash suspects, and the run under way.
pub(crate) struct Runner {
    rng: SplitMix64,
    observer: Box<dyn RunObserver>,
    suspects: Vec<CrashSuspect>,
    /// The effects of the run under way; kept for its room.
    effects: Effects,
    /// The agreement that the run under way has proposed on behalf of its try.
    inner: Option<NonZeroU64>,
    /// The place in its trace of what the run under way sends, if it has one.
    trace: Option<Box<TraceContext>>,
    /// Room for encoding.
    scratch: Vec<u8>,
}

/// A run that is part of a trace, as long as it is under way.
pub(crate) struct OpenSpan {
    pub(crate) id: SpanId,
    pub(crate) began: u64,
}

impl Runner {
    pub(crate) fn new(seed: u64, observer: Box<dyn RunObserver>, suspects: Vec<CrashSuspect>) -> Self {
        Self {
            rng: SplitMix64::new(seed),
            observer,
            suspects,
            effects: Effects::default(),
            inner: None,
            trace: None,
            scratch: Vec::new(),
        }
    }

    /// A random number.
    pub(crate) fn random(&mut self) -> u64 {
        self.rng.next()
    }

    /// Author's code runs from here on: if it ends the process, this message did.
    pub(crate) fn enter(&mut self, run: RunName) {
        self.observer.enter(run.fingerprint, run.kind, run.handler);
    }

    /// Author's code runs no more.
    pub(crate) fn leave(&mut self) {
        self.observer.leave();
    }

    /// A message between entities was run.
    pub(crate) fn ran_message(&mut self, to: &Address, handler: HandlerId, end: RunEnd) {
        self.observer.ran_message(to.kind().0, handler.0, end);
    }

    /// How often the message was running when the process crashed, if that is too often.
    pub(crate) fn crash_count_of(&self, fingerprint: u64) -> Option<u32> {
        if self.suspects.is_empty() {
            return None;
        }
        let suspect = self.suspects.iter().find(|suspect| suspect.fingerprint == fingerprint)?;
        (suspect.crash_count >= CRASHES_MAX).then_some(suspect.crash_count)
    }

    /// An operator has the message run once more: it is under suspicion no longer.
    pub(crate) fn forgive(&mut self, fingerprint: u64) {
        self.suspects.retain(|suspect| suspect.fingerprint != fingerprint);
    }

    /// The effects of the run under way.
    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    pub(crate) fn effects_mut(&mut self) -> &mut Effects {
        &mut self.effects
    }

    /// The run under way has proposed an agreement on behalf of its try.
    pub(crate) fn note_inner(&mut self, number: NonZeroU64) {
        self.inner = Some(number);
    }

    /// The agreement that the run that has ended proposed on behalf of its try.
    pub(crate) fn take_inner(&mut self) -> Option<NonZeroU64> {
        self.inner.take()
    }

    /// The reply of the run that has ended.
    pub(crate) fn take_reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.effects.reply)
    }

    pub(crate) fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.scratch
    }

    /// A run begins. What it sends from here on is part of its trace, if it has one.
    pub(crate) fn begin_span(&mut self, trace: Option<&TraceContext>) -> Option<OpenSpan> {
        let Some(context) = trace else {
            self.trace = None;
            return None;
        };
        let id = SpanId::new(self.random()).unwrap_or(SpanId::MIN);
        self.trace = Some(Box::new(TraceContext { trace: context.trace, span: Some(id) }));
        Some(OpenSpan { id, began: self.observer.clock() })
    }

    /// Nanoseconds since 1970, for the end of a span.
    pub(crate) fn clock(&mut self) -> u64 {
        self.observer.clock()
    }

    /// The place in its trace of what the run under way sends.
    pub(crate) fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_deref()
    }
}

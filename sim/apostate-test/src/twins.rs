//! One message on two values of one entity: the one that was in memory all the time, and the one that was just read
//! back from its bytes. Both have to do the same, and what goes on is the one from the bytes.
//!
//! When they differ, the message runs some more times on values fresh from the bytes. If those differ among
//! themselves it is the handler that does not do the same twice; if they agree it is the state that lost something.
//!
//! Invariant E3: a run sees one entity and one message, and nothing else that could change.

use std::panic::{AssertUnwindSafe, catch_unwind};

use apostate_core::{
    ActivityChange, Effects, GivenAnswer, Invocation, Kind, Live, LoadedActivities, Mode, Proposed, Sent, StateError,
    StepOutcome, TimerChange, panic_text, step_with,
};
use apostate_world::panics;

use crate::names::{self, Names};

/// How often a message runs to find out why two values differ.
const TRIES: usize = 16;

/// An entity as it is committed: its bytes, and two values that should be worth the same.
#[derive(Default)]
pub(crate) struct Committed {
    /// None: it does not exist.
    pub(crate) state: Option<Box<[u8]>>,
    /// Activities with all of its partners.
    activities: LoadedActivities,
    /// Was just read back, and has not run since.
    cold: Option<Box<dyn Live>>,
    /// Was in memory all the time.
    warm: Option<Box<dyn Live>>,
}

impl Committed {
    /// A crash: only the bytes are left.
    pub(crate) fn forget(&mut self) {
        self.cold = None;
        self.warm = None;
    }
}

/// The result of one run, apart from messages and reply, which stand in [`Twins::effects`].
pub(crate) struct TwinRun {
    pub(crate) outcome: StepOutcome,
    /// The entity after the run: to be committed if the run is committed. None: as it was.
    pub(crate) after: Option<Committed>,
}

/// A mistake in the author's program.
pub(crate) enum Mistake {
    /// The state does not decode, or not to what was encoded.
    Unsteady(String),
    /// The two values differ.
    Lost(String),
    /// The handler does not do the same twice.
    Differs(String),
    /// A read handler changes its entity.
    ReadChanges,
}

/// Room for two runs.
#[derive(Default)]
pub(crate) struct Twins {
    /// Messages and reply of the run.
    pub(crate) effects: Effects,
    other: Effects,
    bytes: Vec<u8>,
    other_bytes: Vec<u8>,
}

impl Twins {
    /// Runs a message on both values.
    pub(crate) fn run(
        &mut self,
        names: &Names,
        kind: &Kind,
        committed: &mut Committed,
        handler: usize,
        invocation: &Invocation<'_>,
    ) -> Result<TwinRun, Mistake> {
        let state = committed.state.as_deref();
        let revive = || revive(kind, state).map_err(|error| Mistake::Unsteady(error.0));
        let mut cold = committed.cold.take().map_or_else(revive, Ok)?;
        let mut warm = committed.warm.take().map_or_else(revive, Ok)?;
        let mode = kind.handlers[handler].mode;
        let (outcome, other) = panics::expected_in(|| {
            let loaded = &mut committed.activities;
            let outcome = run(cold.as_mut(), handler, invocation, loaded, &mut self.effects, &mut self.bytes);
            (outcome, run(warm.as_mut(), handler, invocation, loaded, &mut self.other, &mut self.other_bytes))
        });
        let is_same = outcome == other
            && (outcome != StepOutcome::Done || same(&self.effects, &self.other) && self.bytes == self.other_bytes);
        if !is_same {
            let [cold, warm] = [(outcome, &self.effects, &self.bytes), (other, &self.other, &self.other_bytes)]
                .map(|(outcome, effects, bytes)| Observed::of(outcome, effects, bytes));
            return Err(explain(names, kind, committed, handler, invocation, &cold, &warm));
        }
        if outcome != StepOutcome::Done {
            // The values may hold what was refused: only the bytes count.
            return Ok(TwinRun { outcome, after: None });
        }
        if mode == Mode::Reads {
            if state.is_some_and(|state| state != self.bytes) {
                return Err(Mistake::ReadChanges);
            }
            (committed.cold, committed.warm) = (Some(cold), Some(warm));
            return Ok(TwinRun { outcome, after: None });
        }
        if self.effects.deleted {
            return Ok(TwinRun { outcome, after: Some(Committed::default()) });
        }
        let next = panics::expected_in(|| decode(kind, &self.bytes)).map_err(|error| Mistake::Unsteady(error.0))?;
        self.other_bytes.clear();
        next.encode(&mut self.other_bytes);
        if self.bytes != self.other_bytes {
            let [one, two] = [&self.bytes, &self.other_bytes].map(|bytes| names::state(Some(bytes)));
            return Err(Mistake::Unsteady(format!("encoded, decoded and encoded again, {one} becomes {two}")));
        }
        let mut activities = committed.activities.clone();
        for change in self.effects.activities.drain(..) {
            activities.set(change);
        }
        let state = Some(self.bytes.as_slice().into());
        let after = Committed { state, activities, cold: Some(next), warm: Some(warm) };
        Ok(TwinRun { outcome, after: Some(after) })
    }
}

/// The value of these bytes, or a new one.
fn revive(kind: &Kind, state: Option<&[u8]>) -> Result<Box<dyn Live>, StateError> {
    state.map_or_else(|| Ok(kind.new_entity()), |state| panics::expected_in(|| decode(kind, state)))
}

/// Decodes; a panic in code of the author's is an error like any other.
fn decode(kind: &Kind, state: &[u8]) -> Result<Box<dyn Live>, StateError> {
    catch_unwind(AssertUnwindSafe(|| kind.decode(state)))
        .unwrap_or_else(|payload| Err(StateError(panic_text(payload.as_ref()))))
}

/// Runs one message on one value, and encodes what it left. An encoding that panics is a handler that does.
fn run(
    live: &mut dyn Live,
    handler: usize,
    invocation: &Invocation<'_>,
    loaded: &mut LoadedActivities,
    effects: &mut Effects,
    bytes: &mut Vec<u8>,
) -> StepOutcome {
    let loaded = live.activities().is_some().then_some(loaded);
    let outcome = step_with(live, handler, invocation, loaded, effects);
    bytes.clear();
    if outcome == StepOutcome::Done && !effects.deleted {
        let encoded = catch_unwind(AssertUnwindSafe(|| live.encode(bytes)));
        if let Err(payload) = encoded {
            return StepOutcome::Panicked(panic_text(payload.as_ref()));
        }
    }
    outcome
}

fn same(one: &Effects, two: &Effects) -> bool {
    one.deleted == two.deleted
        && one.reply == two.reply
        && one.sent == two.sent
        && one.activities == two.activities
        && one.timers == two.timers
        && one.proposals == two.proposals
        && one.later == two.later
        && one.answers == two.answers
}

/// Everything that came of a run, to be compared.
#[derive(PartialEq)]
struct Observed {
    outcome: StepOutcome,
    sent: Vec<Sent>,
    reply: Vec<u8>,
    activities: Vec<ActivityChange>,
    timers: Vec<TimerChange>,
    proposals: Vec<Proposed>,
    answers: Vec<GivenAnswer>,
    deleted: bool,
    bytes: Vec<u8>,
}

impl Observed {
    fn of(outcome: StepOutcome, effects: &Effects, bytes: &[u8]) -> Self {
        let is_done = outcome == StepOutcome::Done;
        Self {
            outcome,
            sent: if is_done { effects.sent.clone() } else { Vec::new() },
            reply: if is_done { effects.reply.clone() } else { Vec::new() },
            activities: if is_done { effects.activities.clone() } else { Vec::new() },
            timers: if is_done { effects.timers.clone() } else { Vec::new() },
            proposals: if is_done { effects.proposals.clone() } else { Vec::new() },
            answers: if is_done { effects.answers.clone() } else { Vec::new() },
            deleted: is_done && effects.deleted,
            bytes: bytes.to_vec(),
        }
    }

    /// In what way the two differ, in words.
    fn difference(&self, other: &Self, names: &Names) -> String {
        if self.outcome != other.outcome {
            return format!("it ends with {:?}, and with {:?}", self.outcome, other.outcome);
        }
        if self.reply != other.reply {
            return format!("it answers {}, and {}", names::value(&self.reply), names::value(&other.reply));
        }
        if self.sent != other.sent {
            return format!("it sends {}, and {}", list(&self.sent, names), list(&other.sent, names));
        }
        if self.activities != other.activities {
            return format!("it remembers {:?}, and {:?}", self.activities, other.activities);
        }
        if self.timers != other.timers {
            return format!("it sets {:?}, and {:?}", self.timers, other.timers);
        }
        if self.proposals != other.proposals {
            return format!("it proposes {:?}, and {:?}", self.proposals, other.proposals);
        }
        if self.answers != other.answers {
            return format!("it answers earlier calls with {:?}, and {:?}", self.answers, other.answers);
        }
        let [one, two] = [self, other].map(|came| names::state((!came.deleted).then_some(&came.bytes)));
        format!("it leaves {one}, and {two}")
    }
}

fn list(sent: &[Sent], names: &Names) -> String {
    let shown = sent.iter().take(4).map(|Sent { to, handler, body, .. }| {
        let (entity, handler) = (names.entity(to), names.handler(to.kind(), *handler));
        format!("{entity} {handler} {}", names::value(body))
    });
    let shown: Vec<_> = shown.collect();
    let more = if sent.len() > shown.len() { ", …" } else { "" };
    format!("[{}{more}]", shown.join(", "))
}

/// Finds out which of the two it is.
fn explain(
    names: &Names,
    kind: &Kind,
    committed: &mut Committed,
    handler: usize,
    invocation: &Invocation<'_>,
    cold: &Observed,
    warm: &Observed,
) -> Mistake {
    let (mut effects, mut bytes) = (Effects::default(), Vec::new());
    for _ in 0..TRIES {
        let Ok(mut live) = revive(kind, committed.state.as_deref()) else { break };
        let loaded = &mut committed.activities;
        let outcome = panics::expected_in(|| run(live.as_mut(), handler, invocation, loaded, &mut effects, &mut bytes));
        let came = Observed::of(outcome, &effects, &bytes);
        if came != *cold {
            return Mistake::Differs(cold.difference(&came, names));
        }
    }
    Mistake::Lost(warm.difference(cold, names))
}

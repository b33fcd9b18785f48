//! Runs a model to exhaustion and says how large it was.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

/// What came of a model.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was checked.
    pub name: String,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The longest of the shortest ways to a state.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// The property that does not hold and the shortest way there, if one does not.
    pub refuted: Option<(&'static str, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, states, steps, depth, time, refuted } = self;
        let seconds = time.as_secs_f64();
        write!(f, "{name:<44} {states:>10} states {steps:>11} steps {depth:>4} deep {seconds:>7.1} s")?;
        refuted.as_ref().map_or(Ok(()), |(property, way)| write!(f, "\n  REFUTED {property}\n{way}"))
    }
}

/// Takes `model` to exhaustion, or to the first property that does not hold.
pub fn check<M>(name: &str, model: M) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + fmt::Debug + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + 'static,
{
    let start = Instant::now();
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut discoveries: Vec<_> = checker.discoveries().into_iter().collect();
    discoveries.sort_by_key(|(name, path)| (path.clone().into_actions().len(), *name));
    let refuted = discoveries.into_iter().next().map(|(property, path)| {
        let last = path.last_state().clone();
        let way: Vec<_> = path.into_actions().iter().map(|action| format!("    {action:?}")).collect();
        (property, format!("{}\n    in: {last:?}", way.join("\n")))
    });
    Report {
        name: name.to_owned(),
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        time: start.elapsed(),
        refuted,
    }
}

/// Takes `model` to the first property that does not hold, and gives it.
///
/// # Panics
///
/// When all of them hold: a broken rule that nobody notices is a hole in the model.
pub fn refute<M>(name: &str, model: M) -> Report
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + fmt::Debug + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + 'static,
{
    let report = check(name, model);
    assert!(report.refuted.is_some(), "nobody noticed: {report}");
    report
}

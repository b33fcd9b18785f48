//! Takes a model to exhaustion, and says how large it was and what does not hold.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

/// The result of checking a model.
#[derive(Clone, Debug)]
pub struct Report {
    /// The model, in words.
    pub name: String,
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The longest of the shortest ways to a state.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// The first property that does not hold, and one of the shortest ways there.
    pub refuted: Option<(&'static str, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, states, steps, depth, time, refuted } = self;
        let seconds = time.as_secs_f64();
        write!(f, "{name:<52} {states:>9} states {steps:>10} steps {depth:>3} deep {seconds:>6.1} s")?;
        refuted.as_ref().map_or(Ok(()), |(property, _)| write!(f, "  refuted: {property}"))
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
    let found = |property: &Property<M>| checker.discovery(property.name);
    let (always, sometimes): (Vec<_>, Vec<_>) =
        checker.model().properties().into_iter().partition(|property| property.expectation == Expectation::Always);
    let refuted = always.iter().find_map(|property| {
        let path = found(property)?;
        let last = path.last_state().clone();
        let way: String = path.into_actions().iter().map(|action| format!("    {action:?}\n")).collect();
        Some((property.name, format!("{way}    and so: {last:?}\n")))
    });
    let missed = || sometimes.iter().find(|property| found(property).is_none());
    let refuted = refuted.or_else(|| missed().map(|property| (property.name, "    never happens\n".to_owned())));
    Report {
        name: name.to_owned(),
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        time: start.elapsed(),
        refuted,
    }
}

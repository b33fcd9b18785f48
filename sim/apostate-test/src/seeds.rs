//! The life of a seed: twice alone, once on partitions, and what is said when it fails.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use apostate_core::{Entities, Registry, panic_text};
use apostate_world::{Rng, panics};

use crate::failure::Failure;
use crate::faults::Faults;
use crate::finding::Finding;
use crate::isolated::IsolatedWorld;
use crate::partitioned::PartitionedWorld;
use crate::plan::SALT;
use crate::simulation::Simulation;
use crate::trace::Mark;
use crate::world::World;

/// Where every entity has a node of its own.
const ALONE: &str = "the isolated world (every entity on a node of its own)";
/// The same, for the second time.
const AGAIN: &str = "the second run of the isolated world";
/// Where entities live in partitions.
const MAPPED: &str = "the partitioned world";

/// Seeds of worlds, without inhabitants yet.
#[derive(Clone, Debug)]
pub struct Seeds(Vec<u64>);

/// Seeds of worlds with their kinds of entities: ready to run.
pub struct Trial<T> {
    seeds: Vec<u64>,
    kinds: PhantomData<fn() -> T>,
}

/// Totals of the seeds that were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Seeds that were run.
    pub seeds: u64,
    /// Messages that took effect, in all runs of all seeds.
    pub messages: u64,
    /// Faults that were injected.
    pub faults: Faults,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, messages, faults } = self;
        write!(f, "{seeds} seeds, {messages} messages; {faults}")
    }
}

impl World {
    /// Worlds of these seeds. With `APOSTATE_SEED` in the environment it is that seed alone.
    ///
    /// ```
    /// # use apostate::prelude::*;
    /// # use apostate_test::World;
    /// # #[entity(name = "stock")]
    /// # #[derive(Default, Serialize, Deserialize)]
    /// # pub struct Stock { on_hand: u32 }
    /// # #[handlers]
    /// # impl Stock {
    /// #     #[open]
    /// #     pub fn receive(&mut self, units: u32) -> u32 { self.on_hand += units; self.on_hand }
    /// # }
    /// World::seeds(0..20).entities::<(Stock,)>().run(|world| {
    ///     assert_eq!(world.call(Stock::at("tea").receive(5)), 5);
    /// });
    /// ```
    #[must_use]
    pub fn seeds(seeds: impl IntoIterator<Item = u64>) -> Seeds {
        Seeds::new(seeds)
    }
}

impl Seeds {
    pub(crate) fn new(seeds: impl IntoIterator<Item = u64>) -> Self {
        match std::env::var("APOSTATE_SEED") {
            Ok(text) => Self(vec![text.parse().unwrap_or_else(|_| panic!("APOSTATE_SEED is a number, not {text:?}"))]),
            Err(_) => Self(seeds.into_iter().collect()),
        }
    }

    /// The kinds of entities that live there: all that the test sends to, and all that those send to.
    #[must_use]
    pub fn entities<T: Entities>(self) -> Trial<T> {
        Trial { seeds: self.0, kinds: PhantomData }
    }
}

impl<T: Entities> Trial<T> {
    /// Runs `test` in the worlds of every seed.
    ///
    /// # Panics
    ///
    /// At the first seed that fails, with the [`Failure`].
    #[track_caller]
    pub fn run(self, test: impl Fn(&mut World)) -> Report {
        match self.try_run(test) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Runs `test` in the worlds of every seed.
    ///
    /// # Errors
    ///
    /// The first seed that fails.
    ///
    /// # Panics
    ///
    /// When the names of kinds or handlers collide: no program of these entities would start.
    pub fn try_run(self, test: impl Fn(&mut World)) -> Result<Report, Box<Failure>> {
        panics::install();
        let registry = T::registry().unwrap_or_else(|error| panic!("{error}"));
        let registry = Arc::new(registry);
        let mut report = Report::default();
        for seed in self.seeds {
            report.seeds += 1;
            run_seed(seed, &registry, &test, &mut report)?;
        }
        Ok(report)
    }
}

fn run_seed(
    seed: u64,
    registry: &Arc<Registry>,
    test: &impl Fn(&mut World),
    report: &mut Report,
) -> Result<(), Box<Failure>> {
    let alone = |expected| Box::new(IsolatedWorld::new(registry.clone(), &mut Rng::new(seed, SALT), expected));
    let first = live(seed, ALONE, alone(None), test, report)?;
    let marks = first.simulation().trace().marks.clone();
    let hashes = first.simulation().hashes();
    drop(first);
    let again = live(seed, AGAIN, alone(Some(marks.clone())), test, report)?;
    check_length(seed, &again, &marks)?;
    drop(again);
    let mapped = PartitionedWorld::new(registry.clone(), &mut Rng::new(seed, SALT), &hashes);
    live(seed, MAPPED, Box::new(mapped), test, report)?;
    Ok(())
}

/// Runs the test in one world, to its end and until that world is at rest.
fn live(
    seed: u64,
    name: &'static str,
    simulation: Box<dyn Simulation>,
    test: &impl Fn(&mut World),
    report: &mut Report,
) -> Result<World, Box<Failure>> {
    let mut world = World::new(simulation, seed);
    let lived = catch_unwind(AssertUnwindSafe(|| {
        test(&mut world);
        world.settle();
    }));
    panics::expect(false);
    report.messages += world.simulation().messages();
    report.faults.add(world.simulation().faults());
    match lived {
        Ok(()) => Ok(world),
        Err(payload) => {
            let finding = match payload.downcast::<Finding>() {
                Ok(finding) => *finding,
                Err(payload) => Finding::Assertion(panic_text(payload.as_ref())),
            };
            Err(failure(seed, name, finding, &world))
        }
    }
}

/// The second run may not end sooner than the first.
fn check_length(seed: u64, again: &World, marks: &[Mark]) -> Result<(), Box<Failure>> {
    let count = again.simulation().trace().marks.len();
    if count == marks.len() {
        return Ok(());
    }
    let text = format!("{} messages took effect in the first run, {count} in the second", marks.len());
    Err(failure(seed, AGAIN, Finding::TestDiffers(text), again))
}

fn failure(seed: u64, world: &'static str, finding: Finding, lived: &World) -> Box<Failure> {
    let simulation = lived.simulation();
    let trace = simulation.trace().shown(simulation.names());
    Box::new(Failure { seed, world, finding, trace })
}

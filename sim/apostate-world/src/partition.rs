//! A partition that runs: the real one, with what it has asked for since its last turn.
//!
//! ```text
//!   give(input) ──▶ effects wait ──▶ begin_turn ──▶ effects ──▶ the simulator carries them out ──▶ end_turn
//! ```
//!
//! Also the order in which a log answers: appends of one writer land in the order in which they were made, and are
//! answered in that order, whatever delay is drawn for each.

use apostate_log::{Log, Position, Store};
use apostate_partition::{
    Ancestors, CellsInMemory, Config, Effect, HostTime, Input, OpenError, Partition, RunObserver, Status,
};

use crate::agenda::Moment;
use crate::panics::ExpectPanics;

/// One opening of a partition, from its start to its crash.
pub struct RunningPartition {
    partition: Partition,
    /// Effects that wait for the next turn.
    effects: Vec<Effect>,
    has_turn: bool,
    wakes: Option<Moment>,
    landed: Moment,
    answered: Moment,
}

impl RunningPartition {
    /// Opens a partition; panics of its handlers are not printed.
    ///
    /// # Errors
    ///
    /// When what log and store hold does not read, or does not fit together.
    pub fn open(config: Config, store: &dyn Store, log: &dyn Log) -> Result<Self, OpenError> {
        let partition = Partition::open(config, store, log, Box::new(ExpectPanics), &mut |_| {})?;
        Ok(Self::of(partition))
    }

    /// Opens a partition that goes on for others, as [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); and when one of those has not ended.
    pub fn open_child(
        config: Config,
        ancestors: Ancestors<'_>,
        store: &dyn Store,
        log: &dyn Log,
    ) -> Result<Self, OpenError> {
        let opened = Partition::open_child(config, ancestors, (store, log), Box::new(ExpectPanics), &mut |_| {});
        opened.map(Self::of)
    }

    fn of(partition: Partition) -> Self {
        Self { partition, effects: Vec::new(), has_turn: false, wakes: None, landed: 0, answered: 0 }
    }

    /// Splits a partition whose seal is durable into its children. They need [`Input::Open`] next.
    ///
    /// # Errors
    ///
    /// When a map does not name a child.
    pub fn into_children(self, configs: [Config; 2]) -> Result<[Self; 2], OpenError> {
        let children = configs.map(|config| (config, Box::new(ExpectPanics) as Box<dyn RunObserver>));
        Ok(self.partition.into_children(children)?.map(Self::of))
    }

    /// The partition's status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.partition.status()
    }

    /// Whether the partition serves, and nothing waits in it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let status = self.status();
        status.is_serving && status.is_quiet
    }

    /// Whether its newest record is the one at `position`.
    #[must_use]
    pub fn is_up_to(&self, position: Position) -> bool {
        self.status().submitted == position
    }

    /// The cells that it has in memory; none while it is at work.
    #[must_use]
    pub fn cells_in_memory(&self) -> Option<CellsInMemory> {
        self.partition.cells_in_memory()
    }

    /// Has the partition split in memory and merge again, if it may. It needs a turn next.
    #[must_use]
    pub fn rehearse_split(&mut self, at: u64) -> bool {
        self.partition.rehearse_split(at)
    }

    /// Gives the partition an input. True: no turn is planned yet, and the caller has to plan one.
    #[must_use]
    pub fn give(&mut self, clock: HostTime, input: Input) -> bool {
        self.partition.step(clock, input, &mut self.effects);
        !std::mem::replace(&mut self.has_turn, true)
    }

    /// Lets the partition work. Gives the effects of this turn and of the inputs before it, to be carried out in order and
    /// given back to [`end_turn`](Self::end_turn).
    #[must_use]
    pub fn begin_turn(&mut self, now: Moment, clock: HostTime) -> Vec<Effect> {
        self.has_turn = false;
        self.wakes = self.wakes.filter(|wakes| *wakes > now);
        self.partition.step(clock, Input::Turn, &mut self.effects);
        std::mem::take(&mut self.effects)
    }

    /// Ends a turn whose effects were carried out; their room is kept.
    ///
    /// # Panics
    ///
    /// If the partition was given an input since the turn began: what it then asked for would be lost.
    pub fn end_turn(&mut self, mut effects: Vec<Effect>) {
        assert!(self.effects.is_empty(), "the partition was given an input in the middle of its turn");
        effects.clear();
        self.effects = effects;
    }

    /// Notes that the partition asks for a turn at `moment`. True: no earlier one is planned, and the caller has to plan it.
    #[must_use]
    pub fn wake_at(&mut self, moment: Moment) -> bool {
        let is_sooner = self.wakes.is_none_or(|wakes| moment < wakes);
        if is_sooner {
            self.wakes = Some(moment);
        }
        is_sooner
    }

    /// When an append lands that would by itself land at `moment`: not before those made earlier.
    #[must_use]
    pub fn lands_at(&mut self, moment: Moment) -> Moment {
        self.landed = self.landed.max(moment);
        self.landed
    }

    /// When the newest append lands.
    #[must_use]
    pub fn last_landing(&self) -> Moment {
        self.landed
    }

    /// When an append is answered that would by itself be answered at `moment`: not before those answered earlier.
    #[must_use]
    pub fn answered_at(&mut self, moment: Moment) -> Moment {
        self.answered = self.answered.max(moment);
        self.answered
    }
}

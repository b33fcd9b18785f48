//! Split, merge and move: ordinary commits, made while messages flow.
//!
//! Parents are sealed, then children begin, each a step of its own; what else happens in between is open.
//!
//! Invariants P2, P3.

use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::Range;
use apostate_partition::rectangles::{Area, Change as Changed, Origin, Rectangles};

use super::model::{Action, Delivery};
use super::scenario::{Change, Message};
use super::world::{Cells, Partition, World};
use super::wrong::Wrong;

impl Change {
    fn parents(self) -> Vec<PartitionId> {
        match self {
            Self::Split { parent, .. } => vec![PartitionId(parent)],
            Self::Merge { parents, .. } => vec![PartitionId(parents.0), PartitionId(parents.1)],
        }
    }

    fn children(self) -> Vec<PartitionId> {
        match self {
            Self::Split { children, .. } => vec![PartitionId(children.0), PartitionId(children.1)],
            Self::Merge { child, .. } => vec![PartitionId(child)],
        }
    }

    /// The range of a child.
    fn range(self, child: PartitionId, parents: &[Arc<Partition>]) -> Option<Range> {
        let (first, last) = (parents.first()?.range.first, parents.last()?.range.last);
        Some(match self {
            Self::Split { last: end, children, .. } if child.0 == children.0 => Range::new(first, end),
            Self::Split { last: end, .. } => Range::new(end + 1, last),
            Self::Merge { .. } => Range::new(first, last),
        })
    }
}

impl Delivery {
    /// The change of the plan that is next, or under way.
    pub(super) fn change(&self, world: &World) -> Option<Change> {
        self.scenario.plan.get(usize::from(world.changed)).copied()
    }

    /// Which of the steps of the plan can come next.
    pub(super) fn changes(&self, world: &World, actions: &mut Vec<Action>) {
        let Some(change) = self.change(world) else { return };
        let open: Vec<_> = change.parents().into_iter().filter(|id| world.find(*id).is_some()).collect();
        if open.is_empty() {
            let unborn = change.children().into_iter().filter(|id| world.find(*id).is_none());
            actions.extend(unborn.map(Action::Begin));
        }
        actions.extend(open.into_iter().map(Action::Seal));
    }

    /// The last record of a parent: everything before it is durable, nothing comes after it.
    pub(super) fn seal(&self, world: &mut World, id: PartitionId) {
        self.touch(world, id, Partition::commit);
        if let Some(partition) = world.find_mut(id) {
            partition.is_sealed = true;
            partition.sessions.clear();
            partition.intakes.clear();
        }
    }

    /// The first record of a child.
    pub(super) fn begin(&self, world: &mut World, id: PartitionId) {
        let Some(change) = self.change(world) else { return };
        let map_version = u64::from(world.changed) + 2;
        let is_parent = |partition: &&Arc<Partition>| change.parents().contains(&partition.id);
        let mut parents: Vec<_> = world.partitions.iter().filter(is_parent).cloned().collect();
        parents.sort_by_key(|partition| partition.range);
        let Some(range) = change.range(id, &parents) else { return };
        let mut lineage: Vec<_> = parents.iter().flat_map(|parent| parent.lineage.clone()).collect();
        lineage.sort_unstable();
        lineage.dedup();
        lineage.push(id);
        let cells = match (change, &parents[..]) {
            (Change::Split { .. }, [parent]) => self.share(&parent.durable, range),
            (Change::Merge { .. }, [lower, upper]) => self.together(lower, upper, range),
            _ => return,
        };
        let range = match change {
            Change::Split { children, .. } if self.is(Wrong::ChildrenOverlap) && id.0 == children.0 => {
                Range::new(range.first, range.last + 1)
            }
            _ => range,
        };
        lineage.retain(|origin| *origin == id || cells.outbox.iter().any(|message| message.origin == *origin));
        world.partitions.push(Arc::new(Partition::new(id, range, map_version, lineage, cells)));
        if change.children().iter().all(|child| world.find(*child).is_some()) {
            world.changed += 1;
            world.partitions.retain(|partition| !change.parents().contains(&partition.id));
            for parent in change.parents() {
                world.retired.insert(parent, map_version);
            }
            world.retired.retain(|id, _| world.zombies.iter().any(|zombie| zombie.id == *id));
        }
        world.partitions.sort_by_key(|partition| partition.id);
    }

    /// A child's share of its parent's cells.
    fn share(&self, cells: &Cells, range: Range) -> Cells {
        let Cells { counter, sent, applied, outbox, inbox, rectangles, generations } = cells;
        let pair = |at: u8| self.scenario.pairs[usize::from(at)];
        let all = self.is(Wrong::BothChildrenSendAll);
        let outgoing = |message: &&Message| range.contains(self.scenario.pair(message).source) || all;
        let incoming = |message: &&Message| range.contains(self.scenario.pair(message).target);
        let rectangles = match self.wrong {
            Some(Wrong::SplitForgets) => Rectangles::default(),
            _ => rectangles.clipped(range),
        };
        Cells {
            counter: *counter,
            sent: sent.iter().filter(|(at, _)| range.contains(pair(**at).source)).map(|(at, it)| (*at, *it)).collect(),
            applied: applied
                .iter()
                .filter(|(at, _)| range.contains(pair(**at).target))
                .map(|(at, labels)| (*at, labels.clone()))
                .collect(),
            outbox: outbox.iter().filter(outgoing).copied().collect(),
            inbox: inbox.iter().filter(incoming).copied().collect(),
            rectangles,
            generations: generations.clone(),
        }
    }

    /// The cells of two parents side by side, and what was between them in inboxes.
    fn together(&self, lower: &Partition, upper: &Partition, range: Range) -> Cells {
        let Cells { counter, sent, applied, outbox, inbox, rectangles, generations } = upper.durable.clone();
        let mut cells = lower.durable.clone();
        cells.counter = cells.counter.max(counter);
        cells.sent.extend(sent);
        cells.applied.extend(applied);
        cells.outbox.extend(outbox);
        // The younger the origin, the higher its id: a child is named after its parents.
        cells.outbox.sort_unstable();
        if !self.is(Wrong::MergeLosesAnInbox) {
            cells.inbox.extend(inbox);
        }
        cells.rectangles.lay_beside(rectangles);
        self.flatten(&mut cells.rectangles, range);
        for (source, generation) in generations {
            let newest = cells.generations.entry(source).or_default();
            *newest = generation.max(*newest);
        }
        if !self.is(Wrong::InsideMovedLate) {
            self.drain(&mut cells, range);
        }
        cells
    }

    /// Moves what is now inside into inboxes, before anything else is handled.
    fn drain(&self, cells: &mut Cells, range: Range) {
        let is_inside = |message: &Message| range.contains(self.scenario.pair(message).target);
        let (inside, outside): (Vec<_>, Vec<_>) = cells.outbox.iter().copied().partition(is_inside);
        cells.outbox = outside;
        for message in inside {
            let ends = self.scenario.pair(&message);
            let applied = cells.rectangles.applied(&Origin::Partition(message.origin), ends.source, ends.target);
            if message.number > applied || self.is(Wrong::InsideUnchecked) {
                self.coverage.inside.hit();
                cells.inbox.push(message);
            } else {
                self.coverage.inside_duplicates.hit();
            }
        }
        // Nothing will come from inside any more: without this, what is known of those senders would stay for ever.
        if !self.is(Wrong::InsideNeverForgotten) {
            cells.rectangles.retain(range, &[], &mut Changed::default());
            cells.forget_generations(range);
        }
    }

    /// A mistake of two receivers: one rectangle of both, with the greater or the lesser number.
    fn flatten(&self, rectangles: &mut Rectangles, target: Range) {
        let is_maximum = self.is(Wrong::MergeTakesMaximum);
        if !is_maximum && !self.is(Wrong::MergeTakesMinimum) {
            return;
        }
        let source = Range::new(0, self.scenario.last_point());
        let mut origins: Vec<_> = rectangles.iter().map(|(origin, ..)| origin.clone()).collect();
        origins.dedup();
        let mut flat = Rectangles::default();
        for origin in origins {
            let points =
                (source.first..=source.last).flat_map(|from| (target.first..=target.last).map(move |to| (from, to)));
            let numbers = points.map(|(from, to)| rectangles.applied(&origin, from, to));
            let number = if is_maximum { numbers.max() } else { numbers.min() };
            flat.raise(&origin, Area { source, target }, number.unwrap_or(0), &mut Changed::default());
        }
        *rectangles = flat;
    }

    /// Whether something inside still has to move: never, by the rules.
    pub(super) fn is_undrained(&self, partition: &Partition) -> bool {
        let mut outbox = partition.cells().outbox.iter();
        self.is(Wrong::InsideMovedLate) && outbox.any(|it| partition.range.contains(self.scenario.pair(it).target))
    }

    /// The wrong way: what is inside moves when there is time for it.
    pub(super) fn drain_late(&self, world: &mut World, id: PartitionId) {
        self.touch(world, id, |partition| {
            let range = partition.range;
            self.drain(partition.edit(), range);
        });
    }
}

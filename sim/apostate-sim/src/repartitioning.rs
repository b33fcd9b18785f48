//! Notes of whoever repartitions, who never fails: they stand for a log of the map. `repartition.rs` does what they say.

use std::collections::BTreeMap;
use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::{Load, Map, SplitIntent};
use apostate_world::Rng;

use crate::engine::WriterId;

/// Notes on partitions that end in others.
#[derive(Default)]
pub(crate) struct Repartitioning {
    /// Draws what splits where and when, apart from everything else; none if nothing does.
    pub(crate) rng: Option<Rng>,
    pub(crate) last_id: u64,
    pub(crate) last_version: u64,
    pub(crate) intent: Option<Intent>,
    /// Partitions that have ended, and are not forgotten.
    pub(crate) ended: BTreeMap<PartitionId, Ended>,
    /// The partition that each goes on for.
    pub(crate) parents: BTreeMap<PartitionId, PartitionId>,
    /// Writers that were handed over: the first place of the upper child, and the writers of both.
    pub(crate) heirs: BTreeMap<WriterId, (u64, [WriterId; 2])>,
    pub(crate) counts: Counts,
}

/// A split that is noted.
pub(crate) struct Intent {
    pub(crate) parent: PartitionId,
    pub(crate) split: SplitIntent,
    /// The map that counts from the seal on.
    pub(crate) map: Arc<Map>,
    /// Writers that were asked for it: their seals may become durable at any time.
    pub(crate) asked: Vec<WriterId>,
}

/// A partition that has ended.
pub(crate) struct Ended {
    pub(crate) node: usize,
    pub(crate) children: [PartitionId; 2],
}

/// How often each has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Seals that became durable.
    pub sealed: u64,
    /// Splits that were withdrawn.
    pub withdrawn: u64,
    /// Partitions that were handed over in memory.
    pub handed_over: u64,
    /// Children that were read back from what their parents had left.
    pub read_back: u64,
    /// Partitions that were forgotten.
    pub forgotten: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { sealed, withdrawn, handed_over, read_back, forgotten } = other;
        self.sealed += sealed;
        self.withdrawn += withdrawn;
        self.handed_over += handed_over;
        self.read_back += read_back;
        self.forgotten += forgotten;
    }
}

impl Repartitioning {
    pub(crate) fn new(map: &Map, rng: Option<Rng>) -> Self {
        let last_id = map.tiles.iter().map(|(_, id)| id.0).max().unwrap_or(0);
        Self { rng, last_id, last_version: map.version, ..Self::default() }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.intent.is_none() && self.ended.is_empty()
    }

    /// A line of what is under way, for people.
    pub(crate) fn under_way(&self) -> String {
        let intended = self.intent.as_ref().map(|intent| intent.parent);
        format!("{intended:?} is to split, {:?} have ended", self.ended.keys().collect::<Vec<_>>())
    }

    /// The partition that one goes on for.
    pub(crate) fn parent(&self, id: PartitionId) -> Option<PartitionId> {
        self.parents.get(&id).copied()
    }

    /// The writer that has the entities of one that was handed over.
    pub(crate) fn heir(&self, mut writer: WriterId, load: &Load) -> Option<WriterId> {
        let hash = load.entity()?.hash();
        while let Some((at, heirs)) = self.heirs.get(&writer) {
            writer = heirs[usize::from(hash >= *at)];
        }
        Some(writer)
    }

    /// Whether a number is drawn that is below `parts` in a thousand.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        self.rng.as_mut().is_some_and(|rng| rng.chance(parts))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.rng.as_mut().map_or(0, |rng| rng.below(end))
    }
}

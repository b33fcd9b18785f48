//! Checkers: invariants that are checked at every step, and in full now and then.
//!
//! [`shadow`] reads the durable records and holds each against those before it (P1, P2); [`entity`] reads the
//! states (E1, E3, E6); [`leaving`] sees that nothing leaves early (E2), and [`sessions`] that credit is kept; [`money`] counts at every consistent cut;
//! [`stored`] holds the store against the records (P4), and [`cells`] all that partitions have (P3, P4); [`timers`], [`asks`], [`owed`] and [`agreements`] (E4) know what may become of a timer, of an ask,
//! of an answer that is owed and of what is tentative; [`keys`] is about client keys, [`linear`] about
//! what clients saw.

pub(crate) mod agreements;
pub(crate) mod asks;
pub(crate) mod cells;
pub(crate) mod end;
pub(crate) mod entity;
pub(crate) mod keys;
pub(crate) mod leaving;
mod lineage;
pub(crate) mod linear;
pub(crate) mod money;
pub(crate) mod owed;
pub(crate) mod sessions;
pub(crate) mod shadow;
pub(crate) mod stored;
pub(crate) mod timers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use apostate_core::Address;
use apostate_log::PartitionId;
use apostate_partition::cell::Section;
use apostate_partition::rectangles::Origin;
use apostate_partition::{Identity, Map};
use bytes::Bytes;

use crate::check::asks::Asks;
use crate::check::cells::Cells;
use crate::check::keys::Keys;
use crate::check::shadow::{Sent, Shadow};
use crate::engine::WriterId;
use crate::violation::{Check, ensure};

/// The shadows of all partitions.
#[derive(Debug)]
pub(crate) struct Shadows {
    map: Arc<Map>,
    shadows: BTreeMap<PartitionId, Shadow>,
    /// Those of partitions that have ended.
    ended: BTreeMap<PartitionId, Shadow>,
    /// Every cell of all of them.
    pub(crate) cells: Cells,
    /// The client keys of all of them.
    pub(crate) keys: Keys,
    asks: Asks,
    /// Transactions on entities that became durable.
    pub(crate) transactions: u64,
}

impl Shadows {
    pub(crate) fn new(map: Arc<Map>, client_key_retention: Duration) -> Self {
        let shadows = map.tiles.iter().map(|(range, id)| (*id, Shadow::new(*id, *range))).collect();
        let (cells, keys) = (Cells::new(Arc::clone(&map)), Keys::new(client_key_retention));
        let (ended, asks) = (BTreeMap::new(), Asks::default());
        Self { map, shadows, ended, cells, keys, asks, transactions: 0 }
    }

    pub(crate) fn get(&self, id: PartitionId) -> &Shadow {
        self.shadows.get(&id).or_else(|| self.ended.get(&id)).expect("a shadow for each partition")
    }

    /// The shadow of the partition that has `hash`.
    pub(crate) fn of(&self, hash: u64) -> &Shadow {
        self.get(self.map.find(hash))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Shadow> {
        self.shadows.values()
    }

    /// A record has become durable.
    pub(crate) fn durable(&mut self, id: PartitionId, writer: WriterId, record: &Bytes) -> Check {
        let shadow = self.shadows.get_mut(&id).expect("a shadow for each partition");
        let changes = shadow.apply(writer, record)?;
        timers::record(shadow, &changes)?;
        owed::durable(shadow, &changes)?;
        self.cells.durable(id, record)?;
        self.keys.durable(&changes, self.get(id).time())?;
        let shadow = self.shadows.get(&id).expect("a shadow for each partition");
        self.asks.durable(shadow, &changes)?;
        for change in changes {
            if change.section == Section::State {
                let Shadow { deleted_before, deleted, .. } = *self.get(id);
                self.transactions += entity::check(&change, deleted_before, deleted)?;
            }
        }
        for (identity, sent) in &self.get(id).forgotten {
            self.check_trim(id, *identity, sent)?;
        }
        Ok(())
    }

    /// Invariant E1: a message is in an outbox until its receiver has applied it durably.
    fn check_trim(&self, id: PartitionId, identity: Identity, sent: &Sent) -> Check {
        let Sent { from, to } = sent;
        let applied = self.applied(identity.origin, from.hash(), to);
        ensure!(
            identity.number <= applied,
            "E1",
            "partition {id} forgets {identity:?}, and partition {} has applied {applied} only",
            self.of(to.hash()).id
        );
        Ok(())
    }

    /// The highest number of an origin that was applied for good, of what is sent from one place to an entity.
    pub(crate) fn applied(&self, origin: PartitionId, source: u64, to: &Address) -> u64 {
        self.of(to.hash()).rectangles.applied(&Origin::Partition(origin), source, to.hash())
    }
}

//! Waits for answers that entities owe: a call that is answered later was answered as *pending*, and its caller waits here until its partition says
//! that the answer is there; then it asks again with its client key.
//!
//! Nothing of it is a running request: a wait is an entry in this table, and goes with whoever waits. It tells only when to ask, so a word too many
//! does no harm. One that waits asks once more before it goes to sleep, so no word comes too early.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use apostate_core::Address;
use apostate_partition::{Answer, StopReason};

use crate::answers::promise::{Promise, PromisedVerdict, promise};
use crate::answers::stop::Interruption;
use crate::answers::verdict::Verdict;
use crate::sync::lock;

/// The thing that a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The answer, also if that comes later.
    ForAnswer,
    /// The word that it is durable.
    ForCommit,
}

/// An answer that is owed: the entity's place on the ring, its kind, and the answer's number. Of two entities with one place both are told.
type Key = (u64, u32, u64);

/// All that wait at a node for answers that entities owe.
#[derive(Debug, Default)]
pub(crate) struct OwedWaits {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    waits: BTreeMap<Key, Vec<(u64, Promise)>>,
    next_id: u64,
}

/// One that waits. Dropped, it waits no more.
#[derive(Debug)]
pub(crate) struct OwedWait {
    waits: Arc<OwedWaits>,
    key: Key,
    id: u64,
    told: PromisedVerdict,
}

impl OwedWaits {
    /// Waits for the answer with this number that `entity` owes.
    pub(crate) fn wait_for(self: &Arc<Self>, entity: &Address, number: u64) -> OwedWait {
        let key = (entity.hash(), entity.kind().0, number);
        let (promise, told) = promise();
        let mut table = lock(&self.table);
        let id = table.next_id;
        table.next_id += 1;
        table.waits.entry(key).or_default().push((id, promise));
        OwedWait { waits: Arc::clone(self), key, id, told }
    }

    /// The answer is there.
    pub(crate) fn settle(&self, entity: &Address, number: u64) {
        let told = lock(&self.table).waits.remove(&(entity.hash(), entity.kind().0, number));
        for (_, promise) in told.into_iter().flatten() {
            promise.keep(Verdict::Answered(Answer::Pending { number }));
        }
    }

    /// The partition of these places on the ring has stopped, for this reason, or else the node is closed.
    pub(crate) fn abandon(&self, hashes: RangeInclusive<u64>, reason: Option<&Arc<StopReason>>) {
        let (first, last) = hashes.into_inner();
        let mut table = lock(&self.table);
        let mut told = table.waits.split_off(&(first, 0, 0));
        if let Some(next) = last.checked_add(1) {
            table.waits.append(&mut told.split_off(&(next, 0, 0)));
        }
        drop(table);
        for (_, promise) in told.into_values().flatten() {
            let reason = reason.map(|reason| Interruption::PartitionStopped(Arc::clone(reason)));
            promise.keep(Verdict::Unknown(reason.unwrap_or(Interruption::NodeClosed)));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        lock(&self.table).waits.values().map(Vec::len).sum()
    }
}

impl OwedWait {
    /// Blocks until there is something to ask for. Gives why there is not, if the partition has stopped.
    pub(crate) fn wait(self) -> Option<Interruption> {
        interruption(self.told.wait())
    }

    /// As [`wait`](Self::wait).
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Interruption>> {
        self.told.poll(context).map(interruption)
    }
}

fn interruption(told: Verdict) -> Option<Interruption> {
    match told {
        Verdict::Unknown(reason) => Some(reason),
        Verdict::Answered(_) | Verdict::NotDone(_) => None,
    }
}

impl Drop for OwedWait {
    fn drop(&mut self) {
        let mut table = lock(&self.waits.table);
        if let Some(waits) = table.waits.get_mut(&self.key) {
            waits.retain(|(id, _)| *id != self.id);
            if waits.is_empty() {
                table.waits.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use apostate_core::{EntityKey, KindId};

    use super::*;

    fn entity(key: &str) -> Address {
        Address::new(KindId::of("order"), EntityKey::new(key).expect("a key"))
    }

    fn poll(wait: &OwedWait) -> Poll<Option<Interruption>> {
        wait.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn everybody_who_waits_for_an_answer_is_told_and_nobody_else() {
        let waits = Arc::new(OwedWaits::default());
        let (one, two) = (waits.wait_for(&entity("a"), 7), waits.wait_for(&entity("a"), 7));
        let others = [waits.wait_for(&entity("a"), 8), waits.wait_for(&entity("b"), 7)];
        waits.settle(&entity("a"), 7);
        assert!(matches!((poll(&one), poll(&two)), (Poll::Ready(None), Poll::Ready(None))));
        assert!(others.iter().all(|other| poll(other).is_pending()));
        assert_eq!(waits.len(), 2);
        drop((one, two, others));
        assert_eq!(waits.len(), 0, "who does not wait is in no table");
    }

    #[test]
    fn a_partition_that_stops_tells_those_of_its_range() {
        let waits = Arc::new(OwedWaits::default());
        let (a, b) = (entity("a"), entity("b"));
        let (one, two) = (waits.wait_for(&a, 1), waits.wait_for(&b, 1));
        waits.abandon(a.hash()..=a.hash(), None);
        assert!(matches!(poll(&one), Poll::Ready(Some(Interruption::NodeClosed))));
        assert!(poll(&two).is_pending());
        waits.abandon(0..=u64::MAX, None);
        assert!(matches!(two.wait(), Some(Interruption::NodeClosed)));
    }
}

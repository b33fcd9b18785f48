//! Status of a partition, gathered from its parts.

use super::Partition;
use crate::interface::Status;

impl Partition {
    /// Status of the partition, for people.
    #[must_use]
    pub fn status(&self) -> Status {
        let (outbox, intakes) = (self.delivery.outbox(), self.delivery.intakes());
        let inboxes = self.entities.inboxes();
        let requests = self.work.requests() + inboxes.waiting() + self.work.producers().waiting();
        let is_quiet = requests == 0
            && inboxes.count() == 0
            && outbox.count() == 0
            && intakes.is_empty()
            && self.batch.is_empty()
            && self.log.is_settled()
            && !self.work.has_commands()
            && self.timers.overdue() == 0
            && self.entities.parked().is_idle();
        Status {
            id: self.scope.id(),
            range: self.scope.range(),
            epoch: self.log.epoch(),
            is_serving: self.log.is_serving(),
            stopped: self.log.stopped().cloned(),
            durable: self.log.durable(),
            submitted: self.log.submitted(),
            now: self.time.now(),
            time_offset: self.time.offset(),
            entities: self.entities.count(),
            entity_bytes: self.entities.bytes(),
            dirty_bytes: self.checkpoints.dirty().bytes(),
            inbox: inboxes.count(),
            inbox_memory: inboxes.bytes(),
            outbox: outbox.count(),
            outbox_bytes: outbox.bytes(),
            outbox_memory: outbox.memory(),
            requests,
            producers: self.work.producers().count(),
            known_producers: self.work.producers().known().len(),
            peers: self.delivery.peers(),
            arrived: intakes.count(),
            parked: self.entities.parked().count(),
            timers: self.timers.count(),
            timer_bytes: self.timers.bytes(),
            timers_overdue: self.timers.overdue(),
            oldest_overdue: self.timers.oldest_overdue(self.time.now()),
            open_asks: self.entities.open_work().asks(),
            owed: self.entities.open_work().owed(),
            undecided: self.entities.open_work().agreements(),
            tentative: self.entities.open_work().operations(),
            settled: self.entities.open_work().settled().kept,
            settled_otherwise: self.entities.open_work().settled().contradicted,
            newer_peers: self.delivery.intakes().newer().map(|(id, _)| id).collect(),
            backlogs: outbox.backlogs(),
            counts: self.batch.totals(),
            is_full: self.log.is_full(),
            is_quiet,
        }
    }
}

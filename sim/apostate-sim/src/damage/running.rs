//! Damage in front of writers that go on: what only they can know, they have to say.
//!
//! A receiver that has lost what it acknowledged finds nothing wrong with its log; its sender remembers the acknowledgement. And a
//! writer that finds a record of its own epoch in its place was not followed by another one: its log is not as it left it.
//!
//! Invariants P1, P6.

use apostate_core::Address;
use apostate_log::{Epoch, PartitionId, Position, RecordHeader};
use apostate_partition::record_body::{RecordBuilder, RecordKind};
use apostate_partition::{Input, Request, RequestKind, stored_position};
use apostate_world::SECOND;

use crate::engine::lock;
use crate::fault::Fault;
use crate::programs::bank::Account;
use crate::violation::{Check, Violation, ensure};
use crate::world::{Waiter, World};

/// How many keys are tried for one that lives in a given partition.
const TRIES_MAX: u32 = 10_000;

/// Quarters of a second within which all has to be at rest again after the message that is to be lost.
const QUARTERS_MAX: u32 = 240;

impl World {
    /// Damages something while all run, and sees that it is noticed. False: it cannot be done in this run.
    pub(super) fn damage_while_running(
        &mut self,
        damage: Fault,
        node: usize,
        id: PartitionId,
    ) -> Result<bool, Violation> {
        match damage {
            Fault::LostSuffixAcknowledged => self.lose_acknowledged(node, id),
            _ => self.put_twin(id),
        }
    }

    /// A log loses the record in which a message was applied, and nothing besides: its sender has heard of it.
    fn lose_acknowledged(&mut self, node: usize, id: PartitionId) -> Result<bool, Violation> {
        let others: Vec<_> = self.map.tiles.iter().map(|(_, other)| *other).filter(|other| *other != id).collect();
        if others.is_empty() {
            return Ok(false);
        }
        let sender = others[self.rng.index(others.len())];
        let writers = [self.writers.current(sender), self.writers.current(id)];
        let end = self.shadows.get(id).position;
        let (Some(from), Some(to)) = (self.account_in(sender), self.account_in(id)) else { return Ok(false) };
        self.transfer(&from, &to);
        for _ in 0..QUARTERS_MAX {
            let next = self.agenda.now() + SECOND / 4;
            self.run_until(next)?;
            if self.is_quiescent() && self.shadows.get(id).version(&to).is_some() {
                break;
            }
        }
        let stored = stored_position(&self.nodes[node].store, id).ok().flatten().unwrap_or(Position(0));
        let is_same = writers == [self.writers.current(sender), self.writers.current(id)];
        if !is_same || !self.is_quiescent() || stored > end || self.shadows.get(id).position == end {
            return Ok(false);
        }
        self.is_damaged = true;
        self.note(Fault::LostSuffixAcknowledged);
        self.writers.all.retain(|_, writer| writer.id != id);
        self.writers.set_current(id, None);
        lock(self.disk(id)).lose_after(end, false);
        self.reopen(node)?;
        // If nothing else was ever said between the two, nobody asks before the next message.
        self.transfer(&from, &to);
        self.is_told(Fault::LostSuffixAcknowledged, "has acknowledged")?;
        Ok(true)
    }

    /// Another record of the writer's own epoch is where it writes next.
    fn put_twin(&mut self, id: PartitionId) -> Result<bool, Violation> {
        let Some(account) = self.account_in(id) else { return Ok(false) };
        let shadow = self.shadows.get(id);
        let (epoch, position) = (Epoch(shadow.epoch), shadow.position.next());
        let header = RecordHeader { partition: id, epoch, position, previous: shadow.hash, time: shadow.time().0 };
        let next_number = shadow.next_number;
        let (twin, _) = RecordBuilder::default().seal(&header, RecordKind::Batch, self.map.version, next_number);
        self.is_damaged = true;
        self.note(Fault::TwinRecord);
        lock(self.disk(id)).put(twin.into());
        self.transfer(&account, &account);
        self.is_told(Fault::TwinRecord, "P1 broken")?;
        Ok(true)
    }

    /// An account of a partition that nobody else has heard of; none of one with so few places that none is found.
    fn account_in(&self, id: PartitionId) -> Option<Address> {
        let addresses = (0..TRIES_MAX).filter_map(|number| Account::at(format!("damage {number}")).balance().to.ok());
        let mut own = addresses.filter(|address| self.map.find(address.hash()) == id);
        own.next()
    }

    /// A client has money moved.
    fn transfer(&mut self, from: &Address, to: &Address) {
        let call = Account::at(from.key()).transfer(to.key().to_string(), 1);
        let ticket = self.ticket(Waiter::Nobody, from.clone());
        if let Some(writer) = self.writers.current(self.map.find(from.hash())) {
            let (handler, body, request_kind) = (call.handler, call.body, RequestKind::Call { key: None });
            let request = Request::new(from.clone(), handler, body, request_kind);
            self.give(writer, Input::Request(Request { ticket, ..request }));
        }
    }

    /// Waits until somebody stops, who has to say these words.
    fn is_told(&mut self, damage: Fault, words: &str) -> Check {
        for _ in 0..60 {
            let next = self.agenda.now() + SECOND / 2;
            self.run_until(next)?;
            if self.noticed.is_some() {
                break;
            }
        }
        let noticed = self.noticed.as_deref().unwrap_or("nobody says anything");
        ensure!(noticed.contains(words), "P6", "{}: {noticed}", damage.words());
        Ok(())
    }
}

//! Damage: what no engine and no store may do, done on purpose when a run is over.
//!
//! Invariant P6: what was acknowledged survives, or the partition stops and says so; never silence. So whatever is
//! damaged here must be noticed, when the partition opens, when it speaks to others, or when the damaged cell is read.
//!
//! One loss cannot be noticed by anybody: the newest records of a log, when its engine has forgotten that they were
//! there, the store has no checkpoint behind them, and nobody else has heard of a message in them, or of one that they acknowledge.
//! Such a loss is not played.
//!
//! Most damage is done while nobody runs; `damage/running.rs` has what is done in front of writers that go on.

mod running;

use apostate_core::{Address, Entity, KindId};
use apostate_log::{MemoryStore, PartitionId, Position, Record, Store};
use apostate_partition::cell::{self, Section};
use apostate_partition::record_body::Body;
use apostate_partition::rectangles::Origin;
use apostate_partition::{Input, Request, RequestKind, stored_position};
use apostate_world::{Rng, SECOND};

use crate::engine::lock;
use crate::fault::Fault;
use crate::programs::bank::Account;
use crate::violation::{Check, Violation, ensure};
use crate::world::{Waiter, World};

/// Sorts of damage at the end of a run, most of them to one partition's log.
const DAMAGES: &[Fault] = &[
    Fault::FlippedRecord,
    Fault::MissingRecord,
    Fault::ExchangedRecords,
    Fault::LostSuffixMarked,
    Fault::LostSuffixStored,
    Fault::LostSuffixHeard,
    Fault::LostSuffixAcknowledged,
    Fault::LostStore,
    Fault::FlippedCell,
    Fault::TwinRecord,
];

impl World {
    /// Damages something, and sees that it is noticed.
    pub(crate) fn damage(&mut self) -> Check {
        let node = self.rng.index(self.nodes.len());
        let at = self.rng.index(self.nodes[node].partitions.len());
        let id = self.nodes[node].partitions[at];
        let first = self.rng.index(DAMAGES.len());
        for number in 0..DAMAGES.len() {
            let damage = DAMAGES[(first + number) % DAMAGES.len()];
            if matches!(damage, Fault::LostSuffixAcknowledged | Fault::TwinRecord) {
                if self.damage_while_running(damage, node, id)? {
                    return Ok(());
                }
            } else if let Some(last) = self.can_be(damage, node, id) {
                self.stop_all();
                self.note(damage);
                return self.is_noticed(damage, node, id, last);
            }
        }
        Ok(())
    }

    /// Stops everybody; from here on nothing is asked but whether the damage is noticed.
    fn stop_all(&mut self) {
        for (_, id) in self.map.tiles.clone() {
            if let Some(writer) = self.writers.current(id) {
                self.writers.remove(writer);
            }
        }
        self.writers.all.clear();
        self.is_damaged = true;
    }

    /// Whether there is anything to damage in this way; the position that it is about.
    fn can_be(&mut self, damage: Fault, node: usize, id: PartitionId) -> Option<Position> {
        let stored = stored_position(&self.nodes[node].store, id).ok().flatten().unwrap_or(Position(0));
        let (first, last) = lock(self.disk(id)).ends();
        // Records that an opening will read.
        let read = first.max(stored.next());
        let some = |rng: &mut Rng, from: u64, to: u64| (from <= to).then(|| Position(rng.between(from, to)));
        match damage {
            Fault::FlippedRecord => some(&mut self.rng, read.0, last.0),
            Fault::MissingRecord | Fault::ExchangedRecords => some(&mut self.rng, read.0, last.0.saturating_sub(1)),
            Fault::LostSuffixMarked => some(&mut self.rng, read.0.max(first.0 + 1) - 1, last.0 - 1),
            Fault::LostSuffixStored => some(&mut self.rng, first.0, stored.0.saturating_sub(1)),
            Fault::LostSuffixHeard => (read.0..last.0).map(Position).find(|end| self.is_heard_of(id, *end)),
            Fault::LostStore => (first > Position(1)).then_some(last),
            _ => (stored > Position(0)).then_some(last),
        }
    }

    /// Whether somebody else has heard of a message that is in a record behind `end`.
    fn is_heard_of(&self, id: PartitionId, end: Position) -> bool {
        let Some(record) = lock(self.disk(id)).record(end) else { return false };
        let next = Record::read(&record).ok().and_then(|record| Some(Body::read(record.body).ok()?.next_number));
        let heard = self.shadows.iter().filter(|shadow| shadow.id != id);
        let heard = heard.map(|shadow| shadow.rectangles.highest(&Origin::Partition(id))).max();
        heard > next.map(|next| next - 1)
    }

    fn is_noticed(&mut self, damage: Fault, node: usize, id: PartitionId, at: Position) -> Check {
        let bit = self.rng.below(1 << 20) as usize;
        let disk = std::sync::Arc::clone(self.disk(id));
        let mut hurt = None;
        match damage {
            Fault::FlippedRecord => lock(&disk).flip(at, bit),
            Fault::MissingRecord => lock(&disk).take_out(at),
            Fault::ExchangedRecords => lock(&disk).exchange(at, at.next()),
            Fault::LostSuffixMarked => lock(&disk).lose_after(at, true),
            Fault::LostSuffixStored | Fault::LostSuffixHeard => lock(&disk).lose_after(at, false),
            Fault::LostStore => self.nodes[node].store = MemoryStore::new(),
            _ => hurt = self.damage_cell(node)?,
        }
        for node in 0..self.nodes.len() {
            self.reopen(node)?;
        }
        for _ in 0..60 {
            if self.noticed.is_some() {
                return Ok(());
            }
            if let Some(account) = &hurt {
                self.read_account(account.clone());
            }
            let next = self.agenda.now() + SECOND / 2;
            self.run_until(next)?;
        }
        ensure!(self.noticed.is_some(), "P6", "nobody notices that {} (partition {id}, {at})", damage.words());
        Ok(())
    }

    /// Flips something in a row of a partition's own, or in the state of an account, which it gives then.
    fn damage_cell(&mut self, node: usize) -> Result<Option<Address>, Violation> {
        let store = &self.nodes[node].store;
        let states = [Section::State as u8];
        let cells = store.scan(&states, &[Section::State as u8 + 1], usize::MAX);
        let rows = store.scan(&[0], &states, usize::MAX);
        let both = cells.and_then(|cells| Ok((cells, rows?)));
        let (cells, mut rows) = both.map_err(|error| Violation::new("P6", error.to_string()))?;
        // What the log has newer nobody reads from the store.
        let is_read = |key: &[u8]| !self.logs.values().any(|log| log.store_model.has_newer(key));
        let account = KindId::of(Account::NAME).0.to_be_bytes();
        rows.extend(cells.into_iter().filter(|(key, _)| key[1..5] == account && is_read(key)));
        let key = &rows[self.rng.index(rows.len())].0;
        store.damage(key);
        Ok(cell::read_key(key).ok().map(|cell| cell.address))
    }

    /// A client reads an account, so that its cell is loaded.
    fn read_account(&mut self, to: Address) {
        let call = Account::at(to.key()).balance();
        let ticket = self.ticket(Waiter::Nobody, to.clone());
        if let Some(writer) = self.writers.current(self.map.find(to.hash())) {
            let (handler, body, request_kind) = (call.handler, call.body, RequestKind::Read);
            self.give(writer, Input::Request(Request { ticket, ..Request::new(to, handler, body, request_kind) }));
        }
    }
}

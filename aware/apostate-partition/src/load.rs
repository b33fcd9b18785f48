//! What is read from the store while a partition serves. Blocking: for threads that may wait.

use apostate_core::{Address, KindId, Timestamp};
use apostate_log::{PartitionId, Position, Store, StoreError};
use bytes::Bytes;

use crate::Range;
use crate::accept::Parked;
use crate::cell::{self, OwnRow, Section};
use crate::interface::Loaded;
use crate::slots::VERSION_BYTES;

/// Most bytes of client keys that a load brings for one entity.
const KEYS_BYTES: usize = 64 << 20;

/// An entity as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntity {
    /// The entity.
    pub address: Address,
    /// Its version: how many transactions have changed it.
    pub version: u64,
    /// Its state; read it with [`apostate_core::decode_state`].
    pub state: Bytes,
}

/// A parked message as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// The number that it is parked under.
    pub number: u64,
    /// The message.
    pub message: crate::Message,
    /// Why it was parked.
    pub reason: String,
    /// When it was parked.
    pub time: Timestamp,
}

/// Reads what [`Effect::Load`](crate::Effect::Load) asks for: an entity's state and its client keys.
#[must_use]
pub fn load(store: &dyn Store, address: &Address) -> Loaded {
    let read = || {
        let key = cell::key(Section::State, address, &[]);
        let state = store.get(&key)?;
        let (from, to) = cell::entity_bounds(Section::ClientKeys, address);
        let mut cells = store.scan(&from, &to, KEYS_BYTES)?;
        cells.extend(state.map(|state| (Bytes::from(key), state)));
        Ok(cells)
    };
    Loaded { address: address.clone(), cells: read().map_err(|error: StoreError| error.to_string()) }
}

/// The position of a partition's last checkpoint; none if it never made one.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_position(store: &dyn Store, partition: PartitionId) -> Result<Option<Position>, StoreError> {
    let row = store.get(&cell::own_row(partition, &OwnRow::Counters))?;
    Ok(row.as_deref().and_then(|row| row.first_chunk()).map(|position| Position(u64::from_le_bytes(*position))))
}

/// Entities of `kind` in `range` after `after`, in (hash, key) order, about `bytes_max` in all. Empty: there are no more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn list(
    store: &dyn Store,
    range: Range,
    kind: KindId,
    after: Option<&Address>,
    bytes_max: usize,
) -> Result<Vec<StoredEntity>, StoreError> {
    let (mut from, to) = cell::bounds(Section::State, kind, range);
    if let Some(after) = after {
        from = cell::entity_bounds(Section::State, after).1;
    }
    loop {
        let cells = store.scan(&from, &to, bytes_max)?;
        let Some((last, _)) = cells.last() else { return Ok(Vec::new()) };
        let next = [last, &[0][..]].concat();
        let mut entities = Vec::new();
        for (key, value) in &cells {
            entities.extend(read_entity(key, value)?);
        }
        if !entities.is_empty() {
            return Ok(entities);
        }
        // Nothing but deleted ones: go on behind them.
        from = next;
    }
}

fn read_entity(key: &Bytes, value: &Bytes) -> Result<Option<StoredEntity>, StoreError> {
    let damaged = || StoreError::Damaged { key: hex(key), detail: "it is no state cell".to_owned() };
    let cell = cell::read_key(key).ok_or_else(damaged)?;
    let version = u64::from_le_bytes(*value.first_chunk().ok_or_else(damaged)?);
    let exists = value.len() > VERSION_BYTES;
    Ok(exists.then(|| StoredEntity { address: cell.address, version, state: value.slice(VERSION_BYTES..) }))
}

/// Parked messages of entities of `kind` in `range`.
///
/// # Errors
///
/// When the store cannot be read.
pub fn parked(store: &dyn Store, range: Range, kind: KindId) -> Result<Vec<StoredMessage>, StoreError> {
    let (from, to) = cell::bounds(Section::Parked, kind, range);
    let cells = store.scan(&from, &to, usize::MAX)?;
    let read = |(key, value): &(Bytes, Bytes)| {
        let damaged = || StoreError::Damaged { key: hex(key), detail: "it is no parked message".to_owned() };
        let cell = cell::read_key(key).ok_or_else(damaged)?;
        let number = u64::from_be_bytes(cell.sub.try_into().map_err(|_| damaged())?);
        let Parked { message, reason, time } = Parked::read(value).ok_or_else(damaged)?;
        Ok(StoredMessage { number, message, reason, time })
    };
    cells.iter().map(read).collect()
}

/// Bytes as hexadecimal digits, for messages to people.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

//! Reads of the store for lists that people see: entities of a kind, parked messages. Blocking: for threads that may wait.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use apostate_core::{Address, KindId, Timestamp};
use apostate_log::{PartitionId, Position, Store, StoreError, StoredCell, hex};
use bytes::Bytes;

use crate::cells::cell::{self, PartitionRow, Section};
use crate::cells::parked::Parked;
use crate::cells::state::{WORD_BYTES, read_word, word_of};
use crate::format::DecodeError;
use crate::message::Message;
use crate::range::Range;

/// An entity as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntity {
    /// The entity.
    pub address: Address,
    /// The version: it rises with each transaction that changes the entity, and is never lower than it was, over a deletion neither.
    pub version: u64,
    /// The state; read it with [`apostate_core::decode_state`].
    pub state: Bytes,
}

/// A parked message as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// The number that it is parked under.
    pub number: u64,
    /// The message.
    pub message: Message,
    /// Why it was parked.
    pub reason: String,
    /// When it was parked.
    pub time: Timestamp,
}

/// The position of a partition's last checkpoint; none if it never made one.
///
/// # Errors
///
/// When the store cannot be read.
pub fn stored_position(store: &dyn Store, partition: PartitionId) -> Result<Option<Position>, StoreError> {
    let row = store.get(&cell::partition_row(partition, &PartitionRow::Counters))?;
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
    let unread = |error| unread(key, error, "it is no state cell");
    let cell = cell::read_key(key).map_err(unread)?;
    let (version, _) = read_word(word_of(value).map_err(unread)?);
    let exists = value.len() > WORD_BYTES;
    Ok(exists.then(|| StoredEntity { address: cell.address, version, state: value.slice(WORD_BYTES..) }))
}

/// Parked messages of the entities in `ranges`, which are in the order of the ring, behind `after`: of all kinds, also of those
/// unknown to this build, in (kind, hash, key, number) order, about `bytes_max` in all. Empty: there are no more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn parked(
    store: &dyn Store,
    ranges: &[Range],
    after: Option<(&Address, u64)>,
    bytes_max: usize,
) -> Result<Vec<StoredMessage>, StoreError> {
    let from = match after {
        None => vec![Section::Parked as u8],
        Some((to, number)) => [&parked_key(to, number)[..], &[0]].concat(),
    };
    read_all_parked(&cells_from(store, Section::Parked, None, ranges, from, bytes_max)?)
}

/// All messages that are parked at one entity, in the order of their numbers.
pub(super) fn parked_of(store: &dyn Store, entity: &Address) -> Result<Vec<StoredMessage>, StoreError> {
    let (from, to) = cell::entity_bounds(Section::Parked, entity);
    read_all_parked(&store.scan(&from, &to, usize::MAX)?)
}

/// Cells of a section from a key on, of the entities in `ranges`, which are in the order of the ring: of one kind, or of all; about `bytes_max`
/// in all, at least one if there is one.
pub(super) fn cells_from(
    store: &dyn Store,
    section: Section,
    kind: Option<KindId>,
    ranges: &[Range],
    from: Vec<u8>,
    bytes_max: usize,
) -> Result<Vec<StoredCell>, StoreError> {
    let (mut from, end) = match kind {
        None => (from, vec![section as u8 + 1]),
        Some(kind) => {
            let (start, end) = cell::bounds(section, kind, Range::WHOLE);
            (start.max(from), end)
        }
    };
    while from < end
        && let Some((first, _)) = store.scan(&from, &end, 1)?.first()
    {
        let kind = cell::read_key(first).map_err(|error| unread(first, error, "its key is none"))?.address.kind();
        for range in ranges {
            let (start, to) = cell::bounds(section, kind, *range);
            let start = start.max(from.clone());
            let cells = if start < to { store.scan(&start, &to, bytes_max)? } else { Vec::new() };
            if !cells.is_empty() {
                return Ok(cells);
            }
        }
        from = cell::bounds(section, kind, Range::WHOLE).1;
    }
    Ok(Vec::new())
}

/// The message that is parked under `number` at entity `to`, if there is one.
///
/// # Errors
///
/// When the store cannot be read.
pub fn parked_message(store: &dyn Store, to: &Address, number: u64) -> Result<Option<StoredMessage>, StoreError> {
    let key = parked_key(to, number);
    let Some(value) = store.get(&key)? else { return Ok(None) };
    read_parked(&key, &value).map_err(|error| no_parked_message(&key, error)).map(Some)
}

fn parked_key(to: &Address, number: u64) -> Vec<u8> {
    cell::key(Section::Parked, to, &number.to_be_bytes())
}

fn read_all_parked(cells: &[StoredCell]) -> Result<Vec<StoredMessage>, StoreError> {
    let read = |(key, value): &StoredCell| read_parked(key, value).map_err(|error| no_parked_message(key, error));
    cells.iter().map(read).collect()
}

fn read_parked(key: &[u8], value: &[u8]) -> Result<StoredMessage, DecodeError> {
    let cell = cell::read_key(key)?;
    let number = u64::from_be_bytes(cell.sub.try_into().map_err(|_| DecodeError::Damaged)?);
    let Parked { message, reason, time } = Parked::read(value)?;
    Ok(StoredMessage { number, message, reason, time })
}

fn no_parked_message(key: &[u8], error: DecodeError) -> StoreError {
    unread(key, error, "it is no parked message")
}

/// A cell that is not read; `what`, if it is damaged.
pub(super) fn unread(key: &[u8], error: DecodeError, what: &str) -> StoreError {
    let key = hex(key);
    match error {
        DecodeError::Damaged => StoreError::Damaged { key, detail: what.to_owned() },
        DecodeError::Newer(format) => StoreError::Newer { key, detail: format.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, HandlerId, OnRefused};
    use apostate_log::MemoryStore;

    use super::*;
    use crate::message::Role;

    fn park(store: &MemoryStore, to: &Address, number: u64) {
        let message = Message {
            to: to.clone(),
            from: None,
            handler: HandlerId::of("take"),
            role: Role::Plain,
            about: None,
            on_refused: OnRefused::Never,
            body: Box::from([0; 100]),
            trace: None,
        };
        let value = Parked { message, reason: "the handler panicked".to_owned(), time: Timestamp(5) }.write();
        store
            .checkpoint(&mut [(&*parked_key(to, number), Some(&*value))].into_iter())
            .expect("a store in memory takes everything");
    }

    /// Page by page, as addresses and numbers.
    fn all(store: &MemoryStore, ranges: &[Range], bytes_max: usize) -> Vec<(Address, u64)> {
        let mut found: Vec<(Address, u64)> = Vec::new();
        loop {
            let after = found.last().map(|(to, number)| (to, *number));
            let page = parked(store, ranges, after, bytes_max).expect("it reads");
            if page.is_empty() {
                return found;
            }
            found.extend(page.into_iter().map(|stored| (stored.message.to, stored.number)));
        }
    }

    #[test]
    fn parked_messages_are_in_one_order_however_the_ring_is_cut_and_pages_are_turned() {
        let store = MemoryStore::new();
        let mut expected = Vec::new();
        for kind in ["stock", "order"] {
            for key in 0..20 {
                let to = Address::new(KindId::of(kind), EntityKey::new(&key.to_string()).expect("a key"));
                for number in [7, 1 << 40] {
                    park(&store, &to, number);
                    expected.push((to.clone(), number));
                }
            }
        }
        expected.sort_by_key(|(to, number)| (to.kind().0, to.hash(), to.key().clone(), *number));
        let half = Range { first: 0, last: u64::MAX / 2 };
        let other = Range { first: half.last + 1, last: u64::MAX };
        for bytes_max in [1, 500, usize::MAX] {
            assert_eq!(all(&store, &[Range::WHOLE], bytes_max), expected);
            assert_eq!(all(&store, &[half, other], bytes_max), expected);
            let of_half: Vec<_> = expected.iter().filter(|(to, _)| to.hash() <= half.last).cloned().collect();
            assert_eq!(all(&store, &[half], bytes_max), of_half);
        }
    }

    #[test]
    fn one_parked_message_is_found_by_its_number() {
        let store = MemoryStore::new();
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        park(&store, &to, 7);
        let found = parked_message(&store, &to, 7).expect("it reads").expect("it is there");
        assert_eq!((found.number, found.message.to), (7, to.clone()));
        assert_eq!(parked_message(&store, &to, 8), Ok(None));
    }
}

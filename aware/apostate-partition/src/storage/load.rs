//! Reads of the store that a serving partition asks for. Blocking: for threads that may wait.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use apostate_core::{Address, PartnerKey};
use apostate_log::{Store, StoreError, StoredCell};
use bytes::Bytes;

use crate::cells::activity::{ActivitySub, read_life};
use crate::cells::cell::{self, Section};
use crate::cells::state::read_word;
use crate::interface::{Load, Loaded};
use crate::range::Range;
use crate::storage::list::unread;

/// About how many bytes of client keys a load brings.
const KEYS_BYTES: usize = 8 << 10;

/// Reads what [`Effect::Load`](crate::Effect::Load) asks for.
#[must_use]
pub fn load(store: &dyn Store, load: Load) -> Loaded {
    match read(store, &load) {
        Ok((cells, is_partial)) => Loaded { load, cells: Ok(cells), is_partial },
        Err(error) => Loaded { load, cells: Err(error), is_partial: false },
    }
}

/// The cells, and whether there are more client keys than those; of a load of one client key, whether there are any.
fn read(store: &dyn Store, load: &Load) -> Result<(Vec<StoredCell>, bool), StoreError> {
    let get = |key: Vec<u8>| Ok(store.get(&key)?.map(|value| (Bytes::from(key), value)));
    match load {
        Load::Entity(address) => entity(store, address),
        Load::ClientKey(address, key) => {
            let cell = get(cell::key(Section::ClientKeys, address, key.as_bytes()))?;
            let (from, to) = cell::entity_bounds(Section::ClientKeys, address);
            let has_any = cell.is_some() || !store.scan(&from, &to, 1)?.is_empty();
            Ok((cell.into_iter().collect(), has_any))
        }
        Load::Activity { address, life, partner } => activity(store, address, *life, partner),
        Load::Outgoing { to: _, cells } | Load::Inbox { address: _, cells } => {
            let mut found = Vec::with_capacity(cells.len());
            for key in cells {
                found.extend(get(key.to_vec())?);
            }
            Ok((found, false))
        }
        Load::Parked { to, number } => {
            let cell = get(cell::key(Section::Parked, to, &number.to_be_bytes()))?;
            Ok((cell.into_iter().collect(), false))
        }
        Load::ClientKeys { range, after, bytes_max } => {
            Ok((client_keys(store, *range, after.as_deref(), *bytes_max)?, false))
        }
    }
}

fn entity(store: &dyn Store, address: &Address) -> Result<(Vec<StoredCell>, bool), StoreError> {
    let key = cell::key(Section::State, address, &[]);
    let Some(state) = store.get(&key)? else { return Ok((Vec::new(), false)) };
    let has_keys = state.first_chunk().is_some_and(|word| read_word(u64::from_le_bytes(*word)).1);
    let mut cells = vec![(Bytes::from(key), state)];
    let mut is_partial = false;
    if has_keys {
        let (from, to) = cell::entity_bounds(Section::ClientKeys, address);
        let keys = store.scan(&from, &to, KEYS_BYTES)?;
        if let Some((last, _)) = keys.last() {
            is_partial = !store.scan(&[last, &[0][..]].concat(), &to, 1)?.is_empty();
        }
        cells.extend(keys);
    }
    Ok((cells, is_partial))
}

/// The life that an entity is in, if it is asked for and not the first one, and the activity of that life with a partner, if there is one.
fn activity(
    store: &dyn Store,
    address: &Address,
    life: Option<u64>,
    partner: &PartnerKey,
) -> Result<(Vec<StoredCell>, bool), StoreError> {
    let mut cells = Vec::new();
    let life = match life {
        Some(life) => life,
        None => {
            let key = ActivitySub::Life.key(address);
            match store.get(&key)? {
                None => 0,
                Some(value) => {
                    let life =
                        read_life(&value).map_err(|error| unread(&key, error, "it names no life of an entity"))?;
                    cells.push((Bytes::from(key), value));
                    life
                }
            }
        }
    };
    let key = ActivitySub::Of(life, partner.clone()).key(address);
    cells.extend(store.get(&key)?.map(|value| (Bytes::from(key), value)));
    Ok((cells, false))
}

/// Client keys behind `after`, of entities of any kind in `range`. Empty: there are no more.
fn client_keys(
    store: &dyn Store,
    range: Range,
    after: Option<&[u8]>,
    bytes_max: usize,
) -> Result<Vec<StoredCell>, StoreError> {
    let section = Section::ClientKeys;
    let end = [section as u8 + 1];
    let mut from = after.map_or_else(|| vec![section as u8], |after| [after, &[0][..]].concat());
    while let Some((first, _)) = store.scan(&from, &end, 1)?.first() {
        let unread = |error| unread(first, error, "it is no client key's cell");
        let kind = cell::read_key(first).map_err(unread)?.address.kind();
        let (start, to) = cell::bounds(section, kind, range);
        let start = start.max(from);
        let cells = if start < to { store.scan(&start, &to, bytes_max)? } else { Vec::new() };
        if !cells.is_empty() {
            return Ok(cells);
        }
        from = cell::bounds(section, kind, Range::WHOLE).1;
    }
    Ok(Vec::new())
}

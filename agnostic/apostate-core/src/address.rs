//! Names that reach messages and disks: fixed hashes, never counters.
//!
//! Numbers that are handed out at start-up would mean something else in the next build. So kinds and handlers
//! are known by a 32-bit hash of their names, the same in every build on every machine, and an entity's place on the
//! ring is a 64-bit hash of kind and key. Both functions are part of the format.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::EntityKey;

/// The kind of an entity, by the hash of its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindId(pub u32);

/// A handler of a kind, by the hash of its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId(pub u32);

impl KindId {
    /// The id of the kind called `name`.
    #[must_use]
    pub const fn of(name: &str) -> Self {
        Self(name_hash(name))
    }
}

impl HandlerId {
    /// The id of the handler called `name`.
    #[must_use]
    pub const fn of(name: &str) -> Self {
        Self(name_hash(name))
    }
}

impl fmt::Debug for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kind {:08x}", self.0)
    }
}

impl fmt::Debug for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handler {:08x}", self.0)
    }
}

/// FNV-1a of 32 bits over the bytes of `name`.
#[must_use]
pub const fn name_hash(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811C_9DC5_u32;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// Where an entity stands on the 64-bit ring: XXH3-64 of the key's bytes, seeded with the kind's id.
#[must_use]
pub fn ring_hash(kind: KindId, key: &EntityKey) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(key.as_bytes(), u64::from(kind.0))
}

/// An entity, by kind and key, with its place on the ring computed once. Written without that place, and checked when read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Named", from = "Named")]
pub struct Address {
    hash: u64,
    kind: KindId,
    key: EntityKey,
}

impl Address {
    /// The entity `key` of `kind`.
    #[must_use]
    pub fn new(kind: KindId, key: EntityKey) -> Self {
        Self { hash: ring_hash(kind, &key), kind, key }
    }

    /// The entity `key` of `kind` as some bytes name it; none if `hash` is not its place on the ring. An entity that was
    /// looked for in a wrong place would not be found, and a second one made there.
    #[must_use]
    pub fn with_hash(kind: KindId, hash: u64, key: EntityKey) -> Option<Self> {
        (hash == ring_hash(kind, &key)).then_some(Self { hash, kind, key })
    }

    /// The entity's place on the ring.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The entity's kind.
    #[must_use]
    pub fn kind(&self) -> KindId {
        self.kind
    }

    /// The entity's key within the kind.
    #[must_use]
    pub fn key(&self) -> &EntityKey {
        &self.key
    }
}

/// An address as states and messages hold it.
#[derive(Serialize, Deserialize)]
struct Named {
    kind: KindId,
    key: EntityKey,
}

impl From<Address> for Named {
    fn from(Address { hash: _, kind, key }: Address) -> Self {
        Self { kind, key }
    }
}

impl From<Named> for Address {
    fn from(Named { kind, key }: Named) -> Self {
        Self::new(kind, key)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}/{}", self.kind.0, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_part_of_the_format() {
        assert_eq!(name_hash(""), 0x811C_9DC5);
        assert_eq!(name_hash("foobar"), 0xBF9C_F968);
        let tea = EntityKey::new("tea").expect("a key");
        assert_eq!(ring_hash(KindId::of("stock"), &tea), ring_hash(KindId::of("stock"), &tea));
        assert_ne!(ring_hash(KindId::of("stock"), &tea), ring_hash(KindId::of("order"), &tea));
    }

    #[test]
    fn an_address_in_a_state_finds_its_place_again() {
        let tea = Address::new(KindId(7), EntityKey::new("tea").expect("a key"));
        assert_eq!(crate::decode::<Address>(&crate::encode(&tea)), Ok(tea.clone()));
        let json = r#"{"kind":7,"key":"tea"}"#;
        assert_eq!(serde_json::to_string(&tea).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Address>(json).expect("an address"), tea);
        assert!(serde_json::from_str::<Address>(r#"{"kind":7,"key":""}"#).is_err());
    }

    #[test]
    fn an_entity_has_one_place_on_the_ring() {
        let tea = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let again = |hash| Address::with_hash(tea.kind(), hash, tea.key().clone());
        assert_eq!(again(tea.hash()), Some(tea.clone()));
        assert_eq!(again(tea.hash() ^ 1), None);
    }
}

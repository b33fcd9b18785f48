//! The key of an entity: the only thing that a sender needs to know of its partner.
//!
//! Paper: *Entities* (the entity-key).

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::KEY_BYTES_MAX;

/// Keys up to this many bytes need no allocation.
const INLINE_BYTES: usize = 22;

/// The key of an entity within its kind: 1 to 256 bytes of UTF-8, compared by bytes.
#[derive(Clone)]
pub struct EntityKey(Repr);

#[derive(Clone)]
enum Repr {
    Inline(u8, [u8; INLINE_BYTES]),
    Shared(Arc<str>),
}

/// Why a string cannot be the key of an entity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No bytes at all.
    #[error("an entity key has at least one byte")]
    Empty,
    /// More than [`KEY_BYTES_MAX`].
    #[error("an entity key has at most {KEY_BYTES_MAX} bytes, not {0}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("an entity key is UTF-8")]
    NotText,
}

impl EntityKey {
    /// The key `text`.
    ///
    /// # Errors
    ///
    /// When `text` is empty or longer than [`KEY_BYTES_MAX`].
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let length = text.len();
        match length {
            0 => Err(KeyError::Empty),
            1..=INLINE_BYTES => {
                let mut bytes = [0; INLINE_BYTES];
                bytes[..length].copy_from_slice(text.as_bytes());
                Ok(Self(Repr::Inline(length as u8, bytes)))
            }
            _ if length <= KEY_BYTES_MAX => Ok(Self(Repr::Shared(text.into()))),
            _ => Err(KeyError::TooLong(length)),
        }
    }

    /// The key whose UTF-8 is `bytes`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and when `bytes` is not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::new(std::str::from_utf8(bytes).map_err(|_| KeyError::NotText)?)
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(length, bytes) => &bytes[..usize::from(*length)],
            Repr::Shared(text) => text.as_bytes(),
        }
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Inline(length, bytes) => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).expect("built from UTF-8")
            }
            Repr::Shared(text) => text,
        }
    }
}

impl PartialEq for EntityKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for EntityKey {}

impl PartialOrd for EntityKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntityKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::hash::Hash for EntityKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Written as its text.
impl Serialize for EntityKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Checked as [`new`](EntityKey::new) does: what is no key is an error of whatever it is part of.
impl<'de> Deserialize<'de> for EntityKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = EntityKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entity key")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EntityKey, E> {
        EntityKey::new(text).map_err(E::custom)
    }
}

/// Values that can name an entity: text, a number (as decimal digits), an [`Id`](crate::Id).
pub trait ToKey {
    /// The key that it stands for.
    ///
    /// # Errors
    ///
    /// See [`EntityKey::new`].
    fn to_key(self) -> Result<EntityKey, KeyError>;
}

impl ToKey for EntityKey {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        Ok(self)
    }
}

impl ToKey for &EntityKey {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        Ok(self.clone())
    }
}

impl ToKey for &str {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        EntityKey::new(self)
    }
}

impl ToKey for String {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        EntityKey::new(&self)
    }
}

impl ToKey for &String {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        EntityKey::new(self)
    }
}

macro_rules! number_keys {
    ($($number:ty),*) => {$(
        impl ToKey for $number {
            fn to_key(self) -> Result<EntityKey, KeyError> {
                EntityKey::new(&self.to_string())
            }
        }
    )*};
}
number_keys!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_bytes_that_it_was_made_of() {
        for text in ["a", "a/b", "BANK CHARGES", "0123456789012345678901", "01234567890123456789012", "£"] {
            let key = EntityKey::new(text).expect("a key");
            assert_eq!(key.as_str(), text);
            assert_eq!(key, text.to_key().expect("a key"));
        }
        assert_eq!(size_of::<EntityKey>(), 24);
    }

    #[test]
    fn an_empty_or_overlong_key_is_refused() {
        assert_eq!(EntityKey::new(""), Err(KeyError::Empty));
        assert!(EntityKey::new(&"x".repeat(256)).is_ok());
        assert_eq!(EntityKey::new(&"x".repeat(257)), Err(KeyError::TooLong(257)));
        assert_eq!(EntityKey::from_bytes(&[0xFF]), Err(KeyError::NotText));
    }

    #[test]
    fn a_key_in_a_state_is_its_text_and_is_checked_when_it_is_read() {
        for text in ["a", "BANK CHARGES", "£", &"x".repeat(256)] {
            let key = EntityKey::new(text).expect("a key");
            assert_eq!(crate::encode(&key), crate::encode(&text));
            assert_eq!(crate::decode::<EntityKey>(&crate::encode(&text)), Ok(key.clone()));
            let json = serde_json::to_string(&key).expect("JSON");
            assert_eq!(serde_json::from_str::<EntityKey>(&json).expect("a key"), key);
        }
        let error = crate::decode::<EntityKey>(&crate::encode(&"")).expect_err("no key");
        assert_eq!(error.to_string(), "an entity key has at least one byte");
        assert!(serde_json::from_str::<EntityKey>(&format!("{:?}", "x".repeat(257))).is_err());
    }

    #[test]
    fn a_number_is_its_decimal_digits() {
        assert_eq!(42u64.to_key().expect("a key").as_str(), "42");
        assert_eq!((-7i32).to_key().expect("a key").as_str(), "-7");
        assert_eq!(u128::MAX.to_key().expect("a key").as_str(), u128::MAX.to_string());
    }
}

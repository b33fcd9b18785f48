//! How states and message bodies become bytes: MessagePack with field names.
//!
//! Names cost a few bytes and buy evolution: a field added with a default, or removed, needs no migration.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message body that its handler cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub String);

/// Appends the encoding of `value` to `bytes`.
///
/// # Panics
///
/// When the value's own `Serialize` fails, which is a bug of its author; inside a handler it counts as the handler's
/// panic.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    let mut serializer = rmp_serde::Serializer::new(bytes).with_struct_map();
    if let Err(error) = value.serialize(&mut serializer) {
        panic!("{} does not encode: {error}", std::any::type_name::<T>());
    }
}

/// The encoding of `value`. Panics as [`encode_into`] does.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    encode_into(value, &mut bytes);
    bytes
}

/// The value that `bytes` encodes.
///
/// # Errors
///
/// When it does not encode a `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BodyError> {
    rmp_serde::from_slice(bytes).map_err(|error| BodyError(error.to_string()))
}

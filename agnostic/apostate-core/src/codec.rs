//! How states and message bodies become bytes: MessagePack with field names.
//!
//! Names cost a few bytes and buy evolution: a field added with a default, or removed, needs no migration.

use std::cell::Cell;

use rmp_serde::Deserializer;
use rmp_serde::decode::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::NESTING_MAX;
use crate::shape::{self, Flaw};

pub(crate) const TOO_DEEP: &str = "it is nested deeper than 128 levels";
const _: () = assert!(NESTING_MAX == 128);

/// A message body that its handler cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub String);

/// Appends the encoding of `value` to `bytes`.
///
/// # Panics
///
/// When the value's own `Serialize` fails, or it is nested deeper than [`NESTING_MAX`], so that it could not be read back:
/// bugs of its author; inside a handler they count as the handler's panic.
pub fn encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    if let Err(BodyError(error)) = try_encode_into(value, bytes) {
        panic!("{} does not encode: {error}", std::any::type_name::<T>());
    }
}

fn try_encode_into<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) -> Result<(), BodyError> {
    let start = bytes.len();
    let mut serializer = rmp_serde::Serializer::new(&mut *bytes).with_struct_map();
    value.serialize(&mut serializer).map_err(|error| BodyError(error.to_string()))?;
    if shape::is_shallow(&bytes[start..]) { Ok(()) } else { Err(BodyError(TOO_DEEP.to_owned())) }
}

/// The encoding of a `value` that came from outside, where it may be too deep.
pub(crate) fn try_encode<T: Serialize>(value: &T) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::with_capacity(32);
    try_encode_into(value, &mut bytes)?;
    Ok(bytes)
}

thread_local! {
    /// Room to encode in; taken while it is used.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Scratch room that is larger is not kept.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

/// The encoding of `value`, without room to spare. Panics as [`encode_into`] does.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut scratch = SCRATCH.take();
    scratch.clear();
    encode_into(value, &mut scratch);
    let bytes = scratch.to_vec();
    if scratch.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(scratch);
    }
    bytes
}

/// The value that `bytes` encodes.
///
/// # Errors
///
/// When it does not encode a `T`, or something follows it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BodyError> {
    shape::check(bytes).map_err(|flaw| match flaw {
        Flaw::TooDeep => BodyError(TOO_DEEP.to_owned()),
        Flaw::CutShort => BodyError("it is cut short".to_owned()),
    })?;
    let mut deserializer = Deserializer::from_read_ref(bytes);
    let value = T::deserialize(&mut deserializer).map_err(|error| BodyError(error.to_string()))?;
    // The deserializer does not tell how far it read, but there is no further value only at the very end.
    match <()>::deserialize(&mut deserializer) {
        Err(Error::InvalidMarkerRead(_)) => Ok(value),
        Ok(()) | Err(_) => Err(BodyError("something follows the value".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of any depth, by a way down that the library does not count.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Chain {
        End,
        Link(Box<Self>),
    }

    fn chain(links: usize) -> Chain {
        (0..links).fold(Chain::End, |chain, _| Chain::Link(Box::new(chain)))
    }

    #[test]
    fn what_encodes_is_read_back_and_nothing_deeper_is() {
        assert_eq!(decode::<Chain>(&encode(&chain(NESTING_MAX))), Ok(chain(NESTING_MAX)));
        std::panic::catch_unwind(|| encode(&chain(NESTING_MAX + 1))).expect_err("too deep to be read back");
        let deep = [&b"\x81\xa4Link".repeat(200_000)[..], b"\xa3End"].concat();
        assert!(decode::<Chain>(&deep).is_err());
    }

    #[test]
    fn a_value_is_all_of_its_bytes() {
        let bytes = encode(&vec![1_u64, 300]);
        assert_eq!(decode::<Vec<u64>>(&bytes), Ok(vec![1, 300]));
        assert!(decode::<Vec<u64>>(&bytes[..bytes.len() - 1]).is_err());
        for follows in [&[0xC0][..], &[0xC1], &[0x91], &[0x81, 0x01], &[0xDB, 0xFF]] {
            assert!(decode::<Vec<u64>>(&[&bytes, follows].concat()).is_err(), "{follows:x?}");
            assert!(decode::<Option<u64>>(&[&[0xC0], follows].concat()).is_err(), "{follows:x?}");
        }
    }
}

//! A value on its way to the disk and back: `value`, then XXH3-64 over key and value, little-endian.

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::StoreError;
use crate::store::hex;

const CHECKSUM_BYTES: usize = 8;

/// Bytes that are set aside at a time for the copies of keys and values.
const CHUNK_BYTES: usize = 256 << 10;

fn checksum(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}

/// Copies cells into chunks, so that a checkpoint does not allocate for each.
#[derive(Default)]
pub(super) struct Sealer {
    chunk: BytesMut,
}

impl Sealer {
    pub(super) fn seal(&mut self, key: &[u8], value: &[u8]) -> (Bytes, Bytes) {
        let key_copy = self.copy(key);
        self.make_room(value.len() + CHECKSUM_BYTES);
        self.chunk.extend_from_slice(value);
        self.chunk.put_u64_le(checksum(key, value));
        (key_copy, self.chunk.split().freeze())
    }

    pub(super) fn copy(&mut self, key: &[u8]) -> Bytes {
        self.make_room(key.len());
        self.chunk.extend_from_slice(key);
        self.chunk.split().freeze()
    }

    fn make_room(&mut self, bytes: usize) {
        if self.chunk.capacity() < bytes {
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES.max(bytes));
        }
    }
}

/// The value, in memory of its own: a slice would keep the whole block around it.
pub(super) fn opened(key: &[u8], sealed: &[u8]) -> Result<Bytes, StoreError> {
    let damaged = |detail: &str| StoreError::Damaged { key: hex(key), detail: detail.to_owned() };
    let (value, expected) = sealed.split_last_chunk().ok_or_else(|| damaged("its value is cut short"))?;
    if u64::from_le_bytes(*expected) != checksum(key, value) {
        return Err(damaged("its value does not match its checksum"));
    }
    Ok(Bytes::copy_from_slice(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_under_its_own_key_alone() {
        let (key, sealed) = Sealer::default().seal(b"stock/1", b"42");
        assert_eq!(opened(&key, &sealed), Ok(Bytes::from_static(b"42")));
        assert!(opened(b"stock/2", &sealed).is_err());
    }

    #[test]
    fn a_flip_of_any_bit_is_noticed() {
        let (key, sealed) = Sealer::default().seal(b"stock/1", b"42");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&key, &flipped).is_err(), "bit {bit}");
        }
        assert!(opened(&key, &sealed[..7]).is_err());
    }
}

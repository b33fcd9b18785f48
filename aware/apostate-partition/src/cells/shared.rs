//! A cell whose key and value are one allocation, which a batch, the memory of its entity and the next checkpoint share.
//!
//! For sections with many small cells: what is shared by reference count is encoded and copied once.

use std::sync::Arc;

/// A cell that was put, or the tombstone of one.
#[derive(Clone, Debug)]
pub(crate) struct SharedCell {
    bytes: Arc<[u8]>,
    key_length: u16,
    is_tombstone: bool,
}

impl SharedCell {
    /// The cell whose key is the first `key_length` bytes, and whose value is the rest.
    pub(crate) fn put(bytes: &[u8], key_length: usize) -> Self {
        assert!(key_length <= bytes.len(), "P4 broken: a cell is shorter than its key");
        Self { bytes: bytes.into(), key_length: length_of_key(key_length), is_tombstone: false }
    }

    /// The deletion of the cell with this key.
    pub(crate) fn tombstone(key: &[u8]) -> Self {
        Self { bytes: key.into(), key_length: length_of_key(key.len()), is_tombstone: true }
    }

    /// The cell with this key: put with a value, or deleted.
    pub(crate) fn of(key: &[u8], value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => Self::put(&[key, value].concat(), key.len()),
            None => Self::tombstone(key),
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[..usize::from(self.key_length)]
    }

    /// The value. None: the cell is deleted.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        (!self.is_tombstone).then(|| &self.bytes[usize::from(self.key_length)..])
    }

    /// Bytes of key and value.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }
}

fn length_of_key(length: usize) -> u16 {
    u16::try_from(length).expect("P4 broken: a cell's key is longer than a record can say")
}

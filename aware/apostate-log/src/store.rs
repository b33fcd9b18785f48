//! The checkpoint store: what an engine must do.
//!
//! The store holds cells of *durable* records up to a position. It is what a partition reads when it opens, and
//! when it loads an entity that is not in memory. Once the log is trimmed it is the only copy.

use bytes::Bytes;

/// One cell: its key, and its value or that it is gone.
pub type CellChange<'a> = (&'a [u8], Option<&'a [u8]>);

/// A cell as it was read: key and value.
pub type StoredCell = (Bytes, Bytes);

/// A store of cells, ordered by the bytes of their keys. Shared by the partitions of a place: keys hold no partition.
pub trait Store: Send + Sync {
    /// Applies `cells` all together or not at all, and returns when they are durable.
    ///
    /// `cells` comes in ascending order of keys, each key once. The position that the cells stand for is one of
    /// them: the caller's business.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`]: certainly nothing of it is there; try again when there is room. Any other: nothing of it may
    /// be assumed. The log behind it must not be trimmed in either case.
    fn checkpoint(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), StoreError>;

    /// The value of one cell; none if there is no such cell.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`]: the value is not the one that was written; it is never given out.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Cells with `from <= key < to`, ascending, at least one if there is one, about `bytes_max` in all.
    ///
    /// # Errors
    ///
    /// As for [`get`](Store::get).
    fn scan(&self, from: &[u8], to: &[u8], bytes_max: usize) -> Result<Vec<StoredCell>, StoreError>;
}

/// Why a store does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A value does not match its checksum. The partition must stop, and say which cell.
    #[error("cell {key} in the store is damaged: {detail}")]
    Damaged {
        /// The cell's key, as hexadecimal digits.
        key: String,
        /// In what way.
        detail: String,
    },
    /// A newer build has written a value: it is whole, and this build cannot read it.
    #[error("cell {key} in the store: {detail}")]
    Newer {
        /// The cell's key, as hexadecimal digits.
        key: String,
        /// The layout that is unknown, and what to do.
        detail: String,
    },
    /// There is no room for a checkpoint. Nothing was changed; what is there can be read.
    #[error("store: no space left ({detail})")]
    Full {
        /// The system's message.
        detail: String,
    },
    /// An I/O error.
    #[error("store: {detail}")]
    Io {
        /// The system's message.
        detail: String,
    },
}

/// Hexadecimal digits of a cell's key, for people to read and paste.
#[must_use]
pub fn hex(key: &[u8]) -> String {
    use std::fmt::Write;
    key.iter().fold(String::with_capacity(key.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

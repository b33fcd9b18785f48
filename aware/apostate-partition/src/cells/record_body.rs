//! The body of a record: the cells that one commit puts and deletes.
//!
//! ```text
//!   ├ kind (1) ┼ map version (8) ┼ next number (8) ┤  then, for every cell
//!   ├ 1 put    ┼ key len (2) ┼ value len (4) ┼ key … ┼ value … ┤
//!   ├ 0 delete ┼ key len (2) ┼ key … ┤
//! ```
//!
//! The high half of `kind` is the number of the layout: 0.
//!
//! Replay applies cells in this order. Handlers never run during replay.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte.
//!
//! Tried by mutated bytes: `sim/apostate-fuzz/src/layouts/record.rs`.

use apostate_core::Address;
use apostate_log::{RECORD_HEADER_BYTES, RecordHeader};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format, layout_of};

/// The layout that this build writes.
const LAYOUT: u8 = 0;
use crate::cells::shared::SharedCell;

/// Bytes before the first cell.
const PREFIX_BYTES: usize = 17;
/// Most room that a record is given before it needs it, or that is kept for another one.
pub(crate) const BUFFER_BYTES_MAX: usize = 1 << 20;
const PUT: u8 = 1;
const DELETE: u8 = 0;

/// The purpose of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// The cells of a batch.
    Batch = 0,
    /// A writer says that it is one.
    Opening = 1,
    /// The last record of a log: others have the partition's range from then on.
    Seal = 2,
    /// The first record of a log that goes on for others, and the opening of its first epoch.
    Genesis = 3,
}

/// A record under construction.
#[derive(Debug)]
pub struct RecordBuilder {
    bytes: Vec<u8>,
    cells: usize,
    /// Room for the next record, if it has been given some.
    spare: Vec<u8>,
}

impl Default for RecordBuilder {
    fn default() -> Self {
        Self { bytes: vec![0; RECORD_HEADER_BYTES + PREFIX_BYTES], cells: 0, spare: Vec::new() }
    }
}

impl RecordBuilder {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Drops every cell.
    pub fn clear(&mut self) {
        self.bytes.truncate(RECORD_HEADER_BYTES + PREFIX_BYTES);
        self.cells = 0;
    }

    /// Gives room of a record that is not needed any more to the next one.
    pub(crate) fn reuse(&mut self, buffer: Vec<u8>) {
        self.spare = buffer;
    }

    /// Adds a cell of an entity.
    pub fn put(&mut self, section: Section, address: &Address, sub: &[u8], value: &[u8]) {
        self.put_with(value, |bytes| cell::write_key(section, address, sub, bytes));
    }

    /// Deletes a cell of an entity.
    pub fn delete(&mut self, section: Section, address: &Address, sub: &[u8]) {
        self.delete_with(|bytes| cell::write_key(section, address, sub, bytes));
    }

    /// Adds the cell with this key.
    pub fn put_key(&mut self, key: &[u8], value: &[u8]) {
        self.put_with(value, |bytes| bytes.extend_from_slice(key));
    }

    /// Deletes the cell with this key.
    pub fn delete_key(&mut self, key: &[u8]) {
        self.delete_with(|bytes| bytes.extend_from_slice(key));
    }

    /// Adds a shared cell, or deletes it.
    pub(crate) fn change(&mut self, cell: &SharedCell) {
        match cell.value() {
            Some(value) => self.put_key(cell.key(), value),
            None => self.delete_key(cell.key()),
        }
    }

    fn put_with(&mut self, value: &[u8], write_key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[PUT, 0, 0, 0, 0, 0, 0]);
        self.bytes[start + 3..start + 7].copy_from_slice(&(value.len() as u32).to_le_bytes());
        write_key(&mut self.bytes);
        let key_length = (self.bytes.len() - start - 7) as u16;
        self.bytes[start + 1..start + 3].copy_from_slice(&key_length.to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.cells += 1;
    }

    fn delete_with(&mut self, write_key: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[DELETE, 0, 0]);
        write_key(&mut self.bytes);
        let key_length = (self.bytes.len() - start - 3) as u16;
        self.bytes[start + 1..start + 3].copy_from_slice(&key_length.to_le_bytes());
        self.cells += 1;
    }

    /// Completes the record and starts the next. Gives its bytes and its hash.
    pub fn seal(
        &mut self,
        header: &RecordHeader,
        kind: RecordKind,
        map_version: u64,
        next_number: u64,
    ) -> (Vec<u8>, u64) {
        let mut next = std::mem::take(&mut self.spare);
        next.clear();
        next.reserve(self.bytes.len().min(BUFFER_BYTES_MAX));
        let mut bytes = std::mem::replace(&mut self.bytes, next);
        self.bytes.resize(RECORD_HEADER_BYTES + PREFIX_BYTES, 0);
        self.cells = 0;
        let prefix = &mut bytes[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + PREFIX_BYTES];
        prefix[0] = kind as u8;
        prefix[1..9].copy_from_slice(&map_version.to_le_bytes());
        prefix[9..17].copy_from_slice(&next_number.to_le_bytes());
        let hash = header.seal(&mut bytes);
        (bytes, hash)
    }
}

/// The body of a record, read.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// The purpose of the record.
    pub kind: RecordKind,
    /// The map that made its partition.
    pub map_version: u64,
    /// The number that the next message gets.
    pub next_number: u64,
    cells: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads what stands before the cells.
    ///
    /// # Errors
    ///
    /// When it is cut short, or a newer build has written it.
    pub fn read(body: &'a [u8]) -> Result<Self, DecodeError> {
        let (_, kind) = layout_of(Format::RecordBody, *body.first().ok_or(Damaged)?, LAYOUT)?;
        let kind = match kind {
            0 => RecordKind::Batch,
            1 => RecordKind::Opening,
            2 => RecordKind::Seal,
            3 => RecordKind::Genesis,
            newer => return Err(DecodeError::newer(Format::RecordKind, newer)),
        };
        let (prefix, cells) = body.split_first_chunk::<PREFIX_BYTES>().ok_or(Damaged)?;
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| prefix[at + byte]));
        Ok(Self { kind, map_version: word(1), next_number: word(9), cells })
    }

    /// The cells in order: key, and value or that it is deleted.
    pub fn cells(self) -> impl Iterator<Item = Result<(&'a [u8], Option<&'a [u8]>), DecodeError>> {
        let mut rest = self.cells;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let cell = read_cell(&mut rest);
            if cell.is_err() {
                rest = &[];
            }
            Some(cell)
        })
    }
}

fn read_cell<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), DecodeError> {
    let (&tag, after) = rest.split_first().ok_or(Damaged)?;
    let (key_length, after) = after.split_first_chunk::<2>().ok_or(Damaged)?;
    let key_length = usize::from(u16::from_le_bytes(*key_length));
    match tag {
        DELETE => {
            let (key, after) = after.split_at_checked(key_length).ok_or(Damaged)?;
            *rest = after;
            Ok((key, None))
        }
        PUT => {
            let (value_length, after) = after.split_first_chunk::<4>().ok_or(Damaged)?;
            let (key, after) = after.split_at_checked(key_length).ok_or(Damaged)?;
            let (value, after) = after.split_at_checked(u32::from_le_bytes(*value_length) as usize).ok_or(Damaged)?;
            *rest = after;
            Ok((key, Some(value)))
        }
        newer => Err(DecodeError::newer(Format::CellChange, newer)),
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};
    use apostate_log::Record;

    use super::*;

    #[test]
    fn a_record_gives_back_its_cells_in_order() {
        let tea = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        let mut builder = RecordBuilder::default();
        assert!(builder.is_empty());
        builder.put(Section::State, &tea, &[], b"state");
        builder.delete(Section::Inbox, &tea, &[7]);
        builder.put_key(b"row", b"");
        let (bytes, hash) = builder.seal(&RecordHeader::default(), RecordKind::Opening, 3, 4);
        assert!(builder.is_empty());

        let record = Record::read(&bytes).expect("a record");
        assert_eq!(record.hash, hash);
        let body = Body::read(record.body).expect("a body");
        assert_eq!((body.kind, body.map_version, body.next_number), (RecordKind::Opening, 3, 4));
        let cells: Vec<_> = body.cells().map(|cell| cell.expect("a cell")).collect();
        assert_eq!(cells[0], (&cell::key(Section::State, &tea, &[])[..], Some(&b"state"[..])));
        assert_eq!(cells[1], (&cell::key(Section::Inbox, &tea, &[7])[..], None));
        assert_eq!(cells[2], (&b"row"[..], Some(&b""[..])));
        assert_eq!(cells.len(), 3);
    }

    #[test]
    fn a_body_of_a_newer_build_is_called_so() {
        let mut builder = RecordBuilder::default();
        builder.put_key(b"row", b"value");
        let (bytes, _) = builder.seal(&RecordHeader::default(), RecordKind::Batch, 1, 1);
        for (at, value, format, number) in
            [(0, 0x10, Format::RecordBody, 1), (0, 4, Format::RecordKind, 4), (PREFIX_BYTES, 2, Format::CellChange, 2)]
        {
            let mut body = bytes[RECORD_HEADER_BYTES..].to_vec();
            body[at] = value;
            let read = Body::read(&body).and_then(|body| body.cells().collect::<Result<Vec<_>, _>>());
            assert_eq!(read, Err(DecodeError::newer(format, number)));
        }
    }

    #[test]
    fn a_body_that_is_cut_is_noticed() {
        let mut builder = RecordBuilder::default();
        builder.put_key(b"row", b"value");
        let (bytes, _) = builder.seal(&RecordHeader::default(), RecordKind::Batch, 1, 1);
        let body = &bytes[RECORD_HEADER_BYTES..];
        for length in 0..body.len() {
            let read = Body::read(&body[..length]).and_then(|body| body.cells().collect::<Result<Vec<_>, _>>());
            assert!(read.is_err() || length == PREFIX_BYTES, "{length}");
        }
    }
}

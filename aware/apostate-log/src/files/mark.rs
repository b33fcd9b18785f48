//! The mark: up to where the log was durable at a checkpoint, in the bytes that the store keeps of it.

use bytes::{BufMut, Bytes, BytesMut};

use super::format::Location;

const MARK_VERSION: u8 = 1;

pub(super) fn encode_mark(at: Location) -> Bytes {
    let mut bytes = BytesMut::with_capacity(17);
    bytes.put_u8(MARK_VERSION);
    bytes.put_u64_le(at.segment);
    bytes.put_u64_le(at.offset);
    bytes.freeze()
}

pub(super) fn decode_mark(bytes: &[u8]) -> Option<Location> {
    let (version, words) = bytes.split_first()?;
    let (segment, offset) = words.split_first_chunk::<8>()?;
    let offset: &[u8; 8] = offset.try_into().ok()?;
    let at = Location { segment: u64::from_le_bytes(*segment), offset: u64::from_le_bytes(*offset) };
    (*version == MARK_VERSION).then_some(at)
}

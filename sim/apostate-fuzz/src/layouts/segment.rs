//! The header of a segment file.

use apostate_log::files::format::{FORMAT_VERSION, SegmentHeader};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "segment", made, amend, check, memory_bytes: 64 << 10 };

/// Bytes before the checksum.
const SUMMED_BYTES: usize = 64;
const VERSION_AT: usize = 8;
const LENGTH_AT: usize = 12;

fn made() -> Vec<Vec<u8>> {
    let header = SegmentHeader { number: 7, seed: 0xFEED, sequence: 12, previous_end: 8192, bytes: 64 << 10, log: 3 };
    // What follows is padding.
    vec![header.encode()[..80].to_vec()]
}

fn amend(bytes: &mut [u8]) {
    let Some((summed, rest)) = bytes.split_at_mut_checked(SUMMED_BYTES) else { return };
    summed[VERSION_AT..LENGTH_AT].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    summed[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&(SUMMED_BYTES as u32).to_le_bytes());
    if let Some(hash) = rest.first_chunk_mut() {
        *hash = xxh3_64(summed).to_le_bytes();
    }
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(header) = SegmentHeader::decode(bytes) else { return Verdict::Refused };
    assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header), "a header reads back");
    Verdict::Read
}

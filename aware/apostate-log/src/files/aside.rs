//! Records of a stopped partition, out of the way: `stopped-<id>.seg`.
//!
//! A stopped partition cannot trim, and would pin every later segment. So what can be read of it is copied here,
//! and as long as the file exists the partition stays stopped, however often the engine is opened: what it lost
//! must not be forgotten with the segment that showed it. Taking the file away is a decision for a person.
//!
//! ```text
//!   ┌ magic 8 ┬ version 4 ┬ length of detail 4 ┬ partition 8 ┬ position 8 ┬ hash 8 ┬ detail ┐
//!   ┌ position 8 ┬ length 8 ┬ hash 8 ┬ record ┐ …
//! ```

use std::collections::BTreeMap;
use std::io::{self, IoSlice};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::disk::Disk;
use super::format::record_hash;
use super::index::Damage;
use crate::{PartitionId, Position};

const MAGIC: [u8; 8] = *b"apo.stop";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 40;

fn file_name(partition: PartitionId) -> String {
    format!("stopped-{partition}.seg")
}

/// The partition that a file name is about.
pub(super) fn partition_of(name: &str) -> Option<PartitionId> {
    name.strip_prefix("stopped-")?.strip_suffix(".seg")?.parse().ok().map(PartitionId)
}

/// Writes `records` of a stopped partition, and why it is stopped. Durable on return.
pub(super) fn write(
    disk: &Disk,
    partition: PartitionId,
    damage: &Damage,
    records: &mut dyn Iterator<Item = io::Result<(Position, Vec<u8>)>>,
) -> io::Result<()> {
    let draft = format!("stopped-{partition}.new");
    let file = disk.create(&draft)?;
    let mut offset = 0;
    let mut put = |bytes: &[u8]| -> io::Result<()> {
        file.write_all_at(&mut [IoSlice::new(bytes)], offset)?;
        offset += bytes.len() as u64;
        Ok(())
    };
    put(&header(partition, damage))?;
    for record in records {
        let (position, record) = record?;
        let mut front = Vec::with_capacity(24);
        for word in [position.0, record.len() as u64, record_hash(&record)] {
            front.extend_from_slice(&word.to_le_bytes());
        }
        put(&front)?;
        put(&record)?;
    }
    file.sync()?;
    disk.rename(&draft, &file_name(partition))?;
    disk.sync_dir()
}

/// Partitions that were stopped before, out of the names of files.
pub(super) fn stopped(disk: &Disk, names: &[String]) -> io::Result<BTreeMap<PartitionId, Damage>> {
    let mut stopped = BTreeMap::new();
    for name in names {
        if let Some(partition) = partition_of(name) {
            let damage = read_header(&disk.read(name)?, partition).unwrap_or_else(|| Damage {
                position: Position(0),
                detail: format!("it was stopped before; {name} says why, but cannot be read"),
            });
            stopped.insert(partition, damage);
        }
    }
    Ok(stopped)
}

fn header(partition: PartitionId, damage: &Damage) -> Vec<u8> {
    let Damage { position, detail } = damage;
    let length = u32::try_from(detail.len()).unwrap_or(0);
    let detail = &detail.as_bytes()[..length as usize];
    let mut bytes = Vec::with_capacity(HEADER_BYTES + detail.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&partition.0.to_le_bytes());
    bytes.extend_from_slice(&position.0.to_le_bytes());
    let hash = xxh3_64_with_seed(detail, xxh3_64_with_seed(&bytes, 0));
    bytes.extend_from_slice(&hash.to_le_bytes());
    bytes.extend_from_slice(detail);
    bytes
}

fn read_header(bytes: &[u8], partition: PartitionId) -> Option<Damage> {
    let fixed: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let length = u32::from_le_bytes(*fixed[12..].first_chunk()?) as usize;
    let position = Position(u64::from_le_bytes(*fixed[24..].first_chunk()?));
    let detail = bytes.get(HEADER_BYTES..HEADER_BYTES + length)?;
    let damage = Damage { position, detail: String::from_utf8(detail.to_vec()).ok()? };
    (header(partition, &damage) == bytes[..HEADER_BYTES + length]).then_some(damage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_partition_is_stopped_reads_back() {
        let damage = Damage { position: Position(7), detail: "it was lost".to_owned() };
        let bytes = header(PartitionId(3), &damage);
        assert_eq!(read_header(&bytes, PartitionId(3)), Some(damage));
        assert_eq!(read_header(&bytes, PartitionId(4)), None);
        assert_eq!(read_header(&bytes[..20], PartitionId(3)), None);
    }
}

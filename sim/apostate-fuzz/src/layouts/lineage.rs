//! A seal and a genesis: how a log ends, and how one begins that goes on for it. The first byte says which.

use apostate_log::{PartitionId, Position};
use apostate_partition::Range;
use apostate_partition::lineage::{Child, Genesis, Parent, Seal};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "lineage", made, amend: |_| {}, check, memory_bytes: 64 << 10 };

const SEAL: u8 = 0;
const GENESIS: u8 = 1;

fn made() -> Vec<Vec<u8>> {
    let [lower, upper] = [Range::new(0, 1 << 40), Range::new((1 << 40) + 1, u64::MAX)];
    let children = vec![Child { id: PartitionId(7), range: lower }, Child { id: PartitionId(8), range: upper }];
    let seal = Seal { map_version: 3, children };
    let parent =
        Parent { id: PartitionId(4), range: Range::WHOLE, position: Position(99), hash: 0x1234_5678_9ABC_DEF0 };
    let genesis = Genesis { map_version: 3, range: upper, parents: vec![parent] };
    vec![[&[SEAL][..], &seal.write()].concat(), [&[GENESIS][..], &genesis.write()].concat()]
}

fn check(bytes: &[u8]) -> Verdict {
    let Some((which, value)) = bytes.split_first() else { return Verdict::Refused };
    let written = match *which {
        SEAL => Seal::read(value).map(|seal| seal.write()),
        GENESIS => Genesis::read(value).map(|genesis| genesis.write()),
        _ => return Verdict::Refused,
    };
    let Ok(written) = written else { return Verdict::Refused };
    assert_eq!(written, value, "a value is written one way");
    Verdict::Read
}

//! Lanes of a producer when a partition ends in others: each of those gets a lane of its own.
//!
//! Whatever was not answered is sent again, in order, to whoever has its entity now: nobody else would send it for the producer.

use std::collections::BTreeMap;

use apostate_log::PartitionId;
use apostate_partition::Map;

use super::{Lane, Stream};

impl Stream {
    /// Divides each lane to a partition that has ended among those that have its range.
    pub(crate) fn divide(&mut self, ended: PartitionId, map: &Map) {
        while let Some(at) = self.lanes.iter().position(|lane| lane.partition == ended) {
            self.divide_lane(at, map);
        }
    }

    fn divide_lane(&mut self, at: usize, map: &Map) {
        let Self { name: _, items, lanes } = self;
        // Whoever waits for an answer knows a lane by its place, so the others stay where they are.
        let left = std::mem::replace(&mut lanes[at], Lane::to(map.tiles[0].1));
        let Lane { partition: _, writer: _, open, sent, tried, answered, renamed, uncertain } = left;
        let place = |number: u64| map.find(items[number as usize - 1].0.hash());
        let mut divided: BTreeMap<PartitionId, Lane> = BTreeMap::new();
        let numbers = sent.iter().chain(&open).chain(&uncertain).chain(&answered);
        for id in numbers.map(|number| place(*number)) {
            divided.entry(id).or_insert_with(|| Lane { tried, renamed, ..Lane::to(id) });
        }
        for (id, lane) in &mut divided {
            let is_here = |number: &u64| place(*number) == *id;
            lane.open = sent.iter().chain(&open).copied().filter(is_here).collect();
            lane.uncertain = uncertain.iter().copied().filter(is_here).collect();
            lane.answered = answered.filter(is_here);
        }
        let mut divided = divided.into_values();
        lanes[at] = divided.next().unwrap_or_else(|| Lane { tried, renamed, ..Lane::to(map.tiles[0].1) });
        lanes.extend(divided);
    }
}

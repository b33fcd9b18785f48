//! Splits and merges the slots of a partition: whole segments change hands, and slots one by one only where a segment is cut.
//!
//! A slot keeps its number on both sides, unless it is in the segment that is cut; in a merge those of the upper side get new ones.

use rustc_hash::FxHashMap;

use super::{SEGMENTS, Segment, SlotId, Slots, segment_mut, segment_of};
use crate::cut::Cut;
use crate::entities::slab::{BLOCK, Slab};
use crate::entities::slot::Slot;

/// Numbers of slots after a split or a merge.
pub(in crate::entities) struct Renumbered {
    /// New numbers of blocks.
    blocks: FxHashMap<usize, usize>,
    /// New numbers of slots that changed their block.
    slots: FxHashMap<SlotId, SlotId>,
}

impl Renumbered {
    /// The number of the slot that had `id` before.
    pub(in crate::entities) fn of(&self, id: SlotId) -> SlotId {
        let Self { blocks, slots } = self;
        if let Some(id) = slots.get(&id) {
            return *id;
        }
        let (block, at) = (id as usize / BLOCK, id as usize % BLOCK);
        (blocks.get(&block).unwrap_or(&block) * BLOCK + at) as SlotId
    }
}

/// The first place of a segment.
fn first_of(segment: usize) -> u64 {
    (segment as u64) << (u64::BITS - SEGMENTS.ilog2())
}

impl Slots {
    /// The slots of each side. Gives the numbers that those of the upper side have then.
    pub(in crate::entities) fn split(self, cut: Cut) -> ([Self; 2], Renumbered) {
        let Self { segments, mut slab, hand: _, count: _, bytes: _, grown } = self;
        let (middle, is_above) = (segment_of(cut.at()), |segment| first_of(segment) >= cut.at());
        let (mut lower, mut upper, mut taken) = (Vec::new(), Vec::new(), Vec::new());
        for (at, segment) in segments.into_iter().enumerate() {
            if is_above(at) {
                let blocks = segment.iter().flat_map(|segment| &segment.blocks);
                taken.extend(blocks.map(|block| (*block, slab.take_block(*block))));
            }
            let (here, there) = if is_above(at) { (None, segment) } else { (segment, None) };
            lower.push(here);
            upper.push(there);
        }
        let [mut lower, mut upper] = [(lower, slab), (upper, Slab::of(taken))].map(|(segments, slab)| Self {
            segments,
            slab,
            ..Self::default()
        });
        let slots = lower.hand_over(&mut upper, middle, cut);
        lower.recount();
        upper.recount();
        // Each is a reason for the eviction hand to move on, wherever that is.
        lower.grown = grown;
        ([lower, upper], Renumbered { blocks: FxHashMap::default(), slots })
    }

    /// Hands over those slots of a segment that are above the cut. Gives their numbers before and after.
    fn hand_over(&mut self, upper: &mut Self, segment: usize, cut: Cut) -> FxHashMap<SlotId, SlotId> {
        let mut numbers = FxHashMap::default();
        let Some(Some(from)) = self.segments.get_mut(segment) else { return numbers };
        #[expect(clippy::disallowed_methods, reason = "they are sorted")]
        let ids = from.table.iter().copied().filter(|id| cut.side(self.slab[*id as usize].address().hash()) == 1);
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        for id in ids {
            let hash = self.slab[id as usize].address().hash();
            let slot = std::mem::replace(&mut self.slab[id as usize], Slot::free());
            from.unlist(hash, id);
            from.free.push(id);
            from.bytes -= slot.bytes();
            let to = segment_mut(&mut upper.segments, hash);
            to.bytes += slot.bytes();
            let new = to.place(&mut upper.slab, slot);
            to.list(&upper.slab, hash, new);
            numbers.insert(id, new);
        }
        numbers
    }

    /// Counts what is counted in each segment.
    fn recount(&mut self) {
        let segments = || self.segments.iter().flatten();
        let (count, bytes) =
            segments().fold((0, 0), |(count, bytes), segment| (count + segment.table.len(), bytes + segment.bytes));
        (self.count, self.bytes) = (count, bytes);
    }

    /// The slots of two sides, `self` the lower one. Gives the numbers that those of the upper side have then.
    pub(in crate::entities) fn merge(mut self, upper: Self) -> (Self, Renumbered) {
        let Self { segments, mut slab, hand: _, count: _, bytes: _, grown } = upper;
        self.segments.resize_with(SEGMENTS, || None);
        let mut renumbered = Renumbered { blocks: FxHashMap::default(), slots: FxHashMap::default() };
        for (at, segment) in segments.into_iter().enumerate() {
            let Some(mut segment) = segment else { continue };
            for block in &mut segment.blocks {
                let new = self.slab.put_block(slab.take_block(*block));
                renumbered.blocks.insert(std::mem::replace(block, new), new);
            }
            #[expect(clippy::disallowed_methods, reason = "each is renumbered by itself")]
            segment.table.iter_mut().chain(&mut segment.free).for_each(|id| *id = renumbered.of(*id));
            match &mut self.segments[at] {
                Some(lower) => lower.join(*segment, &mut self.slab),
                place => *place = Some(segment),
            }
        }
        self.recount();
        self.grown += grown;
        (self, renumbered)
    }
}

impl Segment {
    /// Takes over the slots of another segment of the same part of the ring, which are in the same slab by now.
    fn join(&mut self, other: Self, slab: &mut Slab<Slot>) {
        let Self { table, blocks, free, bytes } = other;
        let mut ids: Vec<_> = table.into_iter().collect();
        ids.sort_unstable();
        for id in ids {
            self.list(slab, slab[id as usize].address().hash(), id);
        }
        self.free.extend(free);
        self.bytes += bytes;
        // Only the last block of a segment is ever filled: what is left of the other one would be lost.
        if let Some(last) = blocks.last() {
            while slab.len_of(*last) < BLOCK {
                self.free.push(slab.push(*last, Slot::free()) as SlotId);
            }
        }
        self.blocks.splice(0..0, blocks);
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, EntityKey, KindId};

    use super::*;
    use crate::range::Range;

    fn address(number: u32) -> Address {
        Address::new(KindId::of("stock"), EntityKey::new(&format!("tea {number}")).expect("a key"))
    }

    fn slots(numbers: std::ops::Range<u32>) -> Slots {
        let mut slots = Slots::default();
        for number in numbers {
            let id = slots.find_or_insert(&address(number), || 0);
            slots.set_cell(id, Some(vec![0; 9 + number as usize % 7].into()));
        }
        slots
    }

    /// Entities, with the length of their states.
    fn listed(slots: &Slots) -> Vec<(String, usize)> {
        slots.check();
        let mut listed: Vec<_> =
            slots.iter().map(|(_, slot)| (format!("{:?}", slot.address()), slot.bytes())).collect();
        listed.sort();
        listed
    }

    #[test]
    fn slots_that_are_split_and_merged_are_what_they_were() {
        let (all, bytes) = (listed(&slots(0..3000)), slots(0..3000).bytes());
        let mut merged = slots(0..3000);
        for round in 0..40_u64 {
            let before = merged.slab.len();
            let at = round.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1);
            let cut = Cut::new(Range::WHOLE, at).expect("a cut");
            let ids: Vec<_> = merged.iter().map(|(id, slot)| (id, slot.address().clone())).collect();
            let ([lower, upper], renumbered) = merged.split(cut);
            assert_eq!(lower.len() + upper.len(), 3000);
            listed(&lower);
            listed(&upper);
            for (id, address) in &ids {
                match cut.side(address.hash()) {
                    0 => assert!(lower.is_of(*id, address)),
                    _ => assert!(upper.is_of(renumbered.of(*id), address)),
                }
            }
            let above: Vec<_> = upper.iter().map(|(id, slot)| (id, slot.address().clone())).collect();
            let (both, renumbered) = lower.merge(upper);
            assert!(above.iter().all(|(id, address)| both.is_of(renumbered.of(*id), address)));
            assert_eq!((listed(&both), both.bytes()), (all.clone(), bytes));
            assert!(both.slab.len() <= before + 2 * BLOCK, "room is lost: {} slots, {before} before", both.slab.len());
            merged = both;
        }
        assert!(merged.slab.len() < 2 * 3000 + SEGMENTS * BLOCK, "{} slots", merged.slab.len());
    }

    #[test]
    fn a_cut_beside_all_slots_moves_them_to_one_side() {
        let hashes = || (0..100).map(|number| address(number).hash());
        let (first, last) = (hashes().min().expect("some"), hashes().max().expect("some"));
        for (at, counts) in [(first, [0, 100]), (last + 1, [100, 0])] {
            let (sides, _) = slots(0..100).split(Cut::new(Range::WHOLE, at).expect("a cut"));
            assert_eq!(sides.map(|side| listed(&side).len()), counts);
        }
    }

    #[test]
    fn whole_segments_keep_their_numbers_and_are_found_where_they_are() {
        let slots = slots(0..3000);
        let ids: Vec<_> = slots.iter().map(|(id, slot)| (id, slot.address().clone())).collect();
        let ([lower, upper], renumbered) = slots.split(Cut::new(Range::WHOLE, 1 << 63).expect("a cut"));
        for (id, address) in ids {
            assert_eq!(renumbered.of(id), id, "no segment is cut");
            let side = if address.hash() < 1 << 63 { &lower } else { &upper };
            assert_eq!(side.find(&address), Some(id));
        }
    }

    #[test]
    fn after_a_split_and_a_merge_slots_are_evicted_and_made_again() {
        let ([lower, mut upper], _) = slots(0..500).split(Cut::new(Range::WHOLE, 7 << 60).expect("a cut"));
        upper.evict(0, 0, 10_000);
        assert_eq!((upper.len(), upper.bytes()), (0, 0));
        upper.find_or_insert(&address(1000), || 0);
        upper.check();
        let (mut both, _) = lower.merge(upper);
        both.check();
        for number in 500..900 {
            both.find_or_insert(&address(number), || 0);
        }
        both.check();
        both.evict(0, 0, 10_000);
        assert_eq!((both.len(), both.bytes()), (0, 0));
        both.check();
    }
}

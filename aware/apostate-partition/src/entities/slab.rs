//! A slab: values by number, in blocks that never move.
//!
//! One that grows does not copy what it has, as a vector would: with a million entities that is a pause that everybody waits for. A block can
//! be taken out whole and put into another slab, under the same number or another one.

/// Values in a block: a power of two, so that a number is split by a shift.
pub(super) const BLOCK: usize = 64;

/// Values by number.
pub(super) struct Slab<T> {
    /// Those that were taken out are empty.
    blocks: Vec<Vec<T>>,
    /// Numbers of blocks that are not there.
    holes: Vec<usize>,
    length: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), holes: Vec::new(), length: 0 }
    }
}

impl<T> Slab<T> {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Number of values in a block.
    pub(super) fn len_of(&self, block: usize) -> usize {
        self.blocks[block].len()
    }

    /// One more block without values. Gives its number.
    pub(super) fn add_block(&mut self) -> usize {
        self.put_block(Vec::with_capacity(BLOCK))
    }

    /// One more block with these values. Gives its number.
    pub(super) fn put_block(&mut self, values: Vec<T>) -> usize {
        self.length += values.len();
        match self.holes.pop() {
            Some(hole) => {
                self.blocks[hole] = values;
                hole
            }
            None => {
                self.blocks.push(values);
                self.blocks.len() - 1
            }
        }
    }

    /// Takes a block out.
    pub(super) fn take_block(&mut self, block: usize) -> Vec<T> {
        self.holes.push(block);
        let values = std::mem::take(&mut self.blocks[block]);
        self.length -= values.len();
        values
    }

    /// A slab with nothing in it but these blocks, under their numbers.
    pub(super) fn of(blocks: Vec<(usize, Vec<T>)>) -> Self {
        let count = blocks.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        let length = blocks.iter().map(|(_, values)| values.len()).sum();
        let mut slab = Self { blocks: Vec::new(), holes: Vec::new(), length };
        slab.blocks.resize_with(count, Vec::new);
        let mut is_hole = vec![true; count];
        for (number, values) in blocks {
            slab.blocks[number] = values;
            is_hole[number] = false;
        }
        slab.holes.extend((0..count).filter(|number| is_hole[*number]));
        slab
    }

    /// One more value in a block that is not full. Gives its number.
    pub(super) fn push(&mut self, block: usize, value: T) -> usize {
        let values = &mut self.blocks[block];
        assert!(values.len() < BLOCK, "E3 broken: a block of a slab is full");
        values.push(value);
        self.length += 1;
        block * BLOCK + values.len() - 1
    }

    /// The number of the value behind this one, round and round; there is one at least.
    pub(super) fn behind(&self, number: usize) -> usize {
        let (mut block, mut at) = (number / BLOCK, number % BLOCK + 1);
        while self.blocks.get(block).is_none_or(|values| at >= values.len()) {
            (block, at) = (if block < self.blocks.len() { block + 1 } else { 0 }, 0);
        }
        block * BLOCK + at
    }

    /// Every value, with its number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let blocks = self.blocks.iter().enumerate();
        blocks.flat_map(|(block, values)| values.iter().enumerate().map(move |(at, value)| (block * BLOCK + at, value)))
    }
}

impl<T> std::ops::Index<usize> for Slab<T> {
    type Output = T;

    fn index(&self, number: usize) -> &T {
        &self.blocks[number / BLOCK][number % BLOCK]
    }
}

impl<T> std::ops::IndexMut<usize> for Slab<T> {
    fn index_mut(&mut self, number: usize) -> &mut T {
        &mut self.blocks[number / BLOCK][number % BLOCK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_number_over_many_blocks() {
        let mut slab = Slab::default();
        for block in 0..4 {
            assert_eq!(slab.add_block(), block);
            (0..BLOCK).for_each(|at| assert_eq!(slab.push(block, block * BLOCK + at), block * BLOCK + at));
        }
        slab[BLOCK] = 7;
        assert_eq!((slab[0], slab[BLOCK], slab[3 * BLOCK]), (0, 7, 3 * BLOCK));
        assert_eq!((slab.len(), slab.iter().count()), (4 * BLOCK, 4 * BLOCK));
    }

    #[test]
    fn a_block_goes_to_another_slab_and_its_place_is_used_again() {
        let mut slab = Slab::default();
        for block in 0..3 {
            slab.add_block();
            slab.push(block, block);
        }
        let mut other = Slab::of(vec![(1, slab.take_block(1))]);
        assert_eq!((other[BLOCK], other.len(), slab.len()), (1, 1, 2));
        assert_eq!(slab.iter().map(|(number, _)| number).collect::<Vec<_>>(), [0, 2 * BLOCK]);
        assert_eq!((slab.behind(0), slab.behind(2 * BLOCK)), (2 * BLOCK, 0), "round and round, over the hole");
        assert_eq!((slab.add_block(), other.add_block(), other.add_block()), (1, 0, 2));
    }
}

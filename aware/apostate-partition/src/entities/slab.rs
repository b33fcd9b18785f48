//! A slab: values by number, in blocks that never move.
//!
//! One that grows does not copy what it has, as a vector would: with a million entities that is a pause that everybody waits for.

/// Values in a block: a power of two, so that a number is split by a shift.
const BLOCK: usize = 1024;

/// Values by number, from 0.
pub(super) struct Slab<T> {
    /// All but the last are full.
    blocks: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), length: 0 }
    }
}

impl<T> Slab<T> {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// One more value. Gives its number.
    pub(super) fn push(&mut self, value: T) -> usize {
        let number = self.length;
        if number.is_multiple_of(BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        self.blocks[number / BLOCK].push(value);
        self.length += 1;
        number
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flatten()
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
        for number in 0..3 * BLOCK + 1 {
            assert_eq!(slab.push(number), number);
        }
        slab[BLOCK] = 7;
        assert_eq!((slab[0], slab[BLOCK], slab[3 * BLOCK]), (0, 7, 3 * BLOCK));
        assert_eq!((slab.len(), slab.iter().count()), (3 * BLOCK + 1, 3 * BLOCK + 1));
    }
}

//! Random bytes of the operating system, fetched many at a time: asking for each few alone costs more than using them.

use std::cell::RefCell;

/// Bytes that are fetched at a time.
const STOCK_BYTES: usize = 4096;

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { process: 0, used: STOCK_BYTES, bytes: [0; STOCK_BYTES] }) };
}

/// Bytes that a thread has fetched. Each is given out once.
struct Stock {
    /// The process that fetched them: a fork has a copy, and must not use it.
    process: u32,
    used: usize,
    bytes: [u8; STOCK_BYTES],
}

/// Random bytes that nothing else has been given.
///
/// # Panics
///
/// When the operating system has no random bytes to give.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    const { assert!(N <= STOCK_BYTES) };
    STOCK.with_borrow_mut(Stock::take)
}

impl Stock {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let process = std::process::id();
        if self.process != process || self.used + N > STOCK_BYTES {
            getrandom::fill(&mut self.bytes).expect("the operating system has random bytes");
            (self.process, self.used) = (process, 0);
        }
        let taken = &mut self.bytes[self.used..self.used + N];
        self.used += N;
        let mut bytes = [0; N];
        bytes.copy_from_slice(taken);
        // What was given out can be read nowhere else.
        taken.fill(0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_given_twice_and_a_copy_of_another_process_is_not_used() {
        let mut stock = Stock { process: 0, used: STOCK_BYTES, bytes: [0; STOCK_BYTES] };
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2 * STOCK_BYTES {
            assert!(seen.insert(stock.take::<10>()));
        }
        let parent = stock.bytes;
        stock.process = std::process::id() + 1;
        stock.take::<1>();
        assert!(stock.bytes[1..] != parent[1..] && stock.used == 1);
    }
}

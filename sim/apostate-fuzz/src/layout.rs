//! A layout: one decoder, and all that a fuzzer has to know of it.

/// One decoder, and all that a fuzzer has to know of it.
pub struct Layout {
    /// Name, which is that of the layout's folder in the corpus.
    pub name: &'static str,
    /// Bytes that it reads, made by its encoder.
    pub made: fn() -> Vec<Vec<u8>>,
    /// Puts right what would have every mutation refused at once: checksums and the like.
    pub amend: fn(&mut [u8]),
    /// Reads `bytes`, and panics if what was read is not what was written.
    pub check: fn(&[u8]) -> Verdict,
    /// Memory that a check may take besides some multiple of the length of its input.
    pub memory_bytes: u64,
}

/// A decoder's answer to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// They mean something.
    Read,
    /// They do not.
    Refused,
}

impl Verdict {
    /// [`Read`](Self::Read) if it holds.
    pub(crate) fn of(is_read: bool) -> Self {
        if is_read { Self::Read } else { Self::Refused }
    }
}

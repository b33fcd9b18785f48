//! Where something stands in a trace: the ids that messages carry.
//!
//! A request that somebody wants to follow has a [`TraceContext`]. Each message that its handler sends has the same trace, and
//! names the run that sent it; so has what those messages send in turn, wherever it is handled and however long it waited in
//! an outbox, an inbox or among the parked ones.
//!
//! Nothing that an entity sees and nothing that is decided depends on a trace. A message without one pays nothing for it.
//!
//! Paper: *Messaging across entities*. The ids are those of W3C's *Trace Context*.

use std::fmt;
use std::num::NonZeroU64;

/// Names a trace: 128 bits, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Names a span within its trace; never zero.
pub type SpanId = NonZeroU64;

/// Where something stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that it comes from; none if it is the first.
    pub span: Option<SpanId>,
}

impl TraceId {
    /// The id with these bytes; none if they are all zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// The bytes of the id.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// As 32 hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

//! Trace parent: the trace that a caller's request is part of, by the header field `traceparent` of W3C's *Trace Context*.

use apostate_partition::{SpanId, TraceContext, TraceId};
use hyper::HeaderMap;
use hyper::header::HeaderName;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace of a request, as its caller says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) context: TraceContext,
    /// Whether its caller traces it: then so do we.
    pub(crate) is_followed: bool,
}

impl Parent {
    /// The parent in the header fields. A value that cannot be understood counts as none, as the standard has it.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut said = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (said.next(), said.next()) else { return None };
        Self::read(value.to_str().ok()?)
    }

    /// `00-<32 digits of the trace>-<16 of the span>-<2 of flags>`; a later version may have more behind it.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let version = hex_number(parts.next()?, 2)?;
        let trace = hex_number(parts.next()?, 32)?;
        let span = hex_number(parts.next()?, 16)?;
        let flags = hex_number(parts.next()?, 2)?;
        if version == 0xFF || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let span = SpanId::new(u64::try_from(span).ok()?)?;
        let context = TraceContext { trace: TraceId::from_bytes(trace.to_be_bytes())?, span: Some(span) };
        Some(Self { context, is_followed: flags & 1 == 1 })
    }
}

/// A number of exactly so many lower-case hexadecimal digits.
fn hex_number(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn what_the_standard_allows_is_read() {
        let read = |version: &str, flags: &str| Parent::read(&format!("{version}-{TRACE}-00f067aa0ba902b7-{flags}"));
        for (version, flags, is_followed) in
            [("00", "01", true), ("00", "00", false), ("00", "03", true), ("cc", "01-what-will-be", true)]
        {
            let parent = read(version, flags).expect("it is read");
            assert_eq!((parent.context.trace.to_string().as_str(), parent.is_followed), (TRACE, is_followed));
            assert_eq!(parent.context.span.map(SpanId::get), Some(0x00f0_67aa_0ba9_02b7));
        }
    }

    #[test]
    fn what_the_standard_does_not_allow_counts_as_not_said() {
        let span = "00f067aa0ba902b7";
        for wrong in [
            String::new(),
            format!("00-{TRACE}-{span}"),
            format!("00-{TRACE}-{span}-01-more"),
            format!("ff-{TRACE}-{span}-01"),
            format!("00-{}-{span}-01", TRACE.to_uppercase()),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}0-{span}-01"),
            format!("00-{TRACE}-+{}-01", &span[1..]),
        ] {
            assert_eq!(Parent::read(&wrong), None, "{wrong}");
        }
    }
}

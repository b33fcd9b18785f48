//! One trial: one decoder, one input, and what is asked of every decoder.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Layout, Verdict};

/// Memory that a check may take for every byte of its input.
const BYTES_PER_BYTE: u64 = 256;

/// Something that a decoder must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The decoder's layout.
    pub layout: &'static str,
    /// The mistake.
    pub what: String,
    /// The input that led to it.
    pub input: Vec<u8>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = self.input.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        writeln!(f, "{}: {}", self.layout, self.what)?;
        write!(f, "again with: cargo run -p apostate-fuzz -- {} --hex {hex}", self.layout)
    }
}

impl Layout {
    /// Lets the decoder read `input`.
    ///
    /// # Errors
    ///
    /// A [`Finding`] when it panics, takes too much memory, or does not mean what it read.
    pub fn try_on(&self, input: &[u8]) -> Result<Verdict, Finding> {
        let mut ended = None;
        let taken = allocation_counter::measure(|| {
            ended = Some(catch_unwind(AssertUnwindSafe(|| (self.check)(input))));
        });
        let finding = |what| Err(Finding { layout: self.name, what, input: input.to_vec() });
        let memory_bytes_max = self.memory_bytes + BYTES_PER_BYTE * input.len() as u64;
        match ended.expect("a measured closure runs") {
            Err(payload) => finding(format!("panicked: {}", text(&*payload))),
            Ok(_) if taken.bytes_max > memory_bytes_max => {
                finding(format!("took {} bytes of memory for {} of input", taken.bytes_max, input.len()))
            }
            Ok(verdict) => Ok(verdict),
        }
    }
}

fn text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(check: fn(&[u8]) -> Verdict) -> Layout {
        Layout { name: "odd", made: Vec::new, amend: |_| {}, check, memory_bytes: 1 << 20 }
    }

    /// A decoder that believes its length field.
    fn gullible(bytes: &[u8]) -> Verdict {
        let length = bytes.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let room = Vec::<u8>::with_capacity(length as usize);
        Verdict::of(room.capacity() < bytes.len())
    }

    #[test]
    fn a_panic_and_a_length_that_is_believed_are_findings() {
        let found = layout(|bytes| Verdict::of(bytes[3] == 0)).try_on(&[1, 2]).unwrap_err();
        assert!(found.what.starts_with("panicked: index out of bounds"), "{found}");
        assert!(found.to_string().ends_with("odd --hex 0102"), "{found}");
        assert_eq!(layout(gullible).try_on(&[2, 0, 0, 0]), Ok(Verdict::Read));
        let found = layout(gullible).try_on(&[0, 0, 0, 4]).unwrap_err();
        assert!(found.what.starts_with("took 67108864 bytes"), "{found}");
    }
}

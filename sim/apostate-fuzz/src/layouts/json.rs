//! Arguments that arrive over HTTP: JSON, which becomes our own encoding by the handlers' types.

use apostate_core::{Json, encode};

use super::value::{Sample, samples};
use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "json", made, amend: |_| {}, check, memory_bytes: 1 << 20 };

const JSON: Json = Json::arguments::<Sample>();

fn made() -> Vec<Vec<u8>> {
    samples().iter().map(|sample| (JSON.show)(&encode(sample)).expect("JSON")).collect()
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(read) = (JSON.read)(bytes) else { return Verdict::of(false) };
    let shown = (JSON.show)(&read).expect("what was read can be shown");
    assert_eq!((JSON.read)(&shown), Ok(read), "what is shown reads back");
    Verdict::of(true)
}

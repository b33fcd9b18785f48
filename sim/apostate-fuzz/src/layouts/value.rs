//! Values of authors' types: states, arguments, replies and refusals, as MessagePack with field names.

use std::collections::{BTreeMap, BTreeSet};

use apostate::prelude::*;
use apostate_core::{decode, decode_state, encode};

use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "value", made, amend: |_| {}, check, memory_bytes: 1 << 20 };

/// A state with a field of every shape that authors use.
#[entity(name = "sample")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    on_hand: u32,
    sold: i64,
    #[serde(default)]
    added_later: Option<String>,
    partners: BTreeMap<String, Vec<Part>>,
    seen: BTreeSet<u64>,
    mood: Mood,
    pair: (u8, bool),
    tree: Option<Box<Tree>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    units: i64,
    codes: Vec<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Mood {
    #[default]
    Calm,
    Tense(u8),
    Torn {
        one: String,
        other: char,
    },
    Over(Box<Self>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree(Vec<Tree>);

/// States that reach into every corner.
pub(super) fn samples() -> [Sample; 3] {
    let part = Part { units: -6, codes: vec![0, 700] };
    let sample = Sample {
        on_hand: 70_000,
        sold: i64::MIN,
        added_later: Some("£".to_owned()),
        partners: [("stock/tea".to_owned(), vec![part.clone(), part])].into(),
        seen: [0, 1, u64::MAX].into(),
        mood: Mood::Torn { one: "yes".to_owned(), other: 'ß' },
        pair: (255, true),
        tree: Some(Box::new(Tree(vec![Tree(Vec::new()), Tree(vec![Tree(Vec::new())])]))),
    };
    let tense = Sample { mood: Mood::Over(Box::new(Mood::Tense(3))), ..Sample::default() };
    [sample, tense, Sample::default()]
}

fn made() -> Vec<Vec<u8>> {
    let state = |sample: &Sample| [&0_u32.to_le_bytes()[..], &encode(sample)].concat();
    let refusal = Refusal::with_code("out-of-stock", "none left");
    let mut made: Vec<_> = samples().iter().map(state).collect();
    made.extend([encode(&refusal), encode(&vec![1_u64, 2, 300])]);
    made
}

fn check(bytes: &[u8]) -> Verdict {
    let is_state = match decode_state::<Sample>(bytes) {
        Ok(sample) => {
            let again = [&0_u32.to_le_bytes()[..], &encode(&sample)].concat();
            assert_eq!(decode_state::<Sample>(&again), Ok(sample), "a state reads back");
            true
        }
        Err(_) => false,
    };
    let is_other = [reads_back::<Refusal>(bytes), reads_back::<Vec<u64>>(bytes), reads_back::<Mood>(bytes)];
    Verdict::of(is_state || is_other.contains(&true))
}

/// Whether the bytes are a `T`: then written and read again it is the same, and there is nothing behind it.
fn reads_back<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> bool {
    let Ok(value) = decode::<T>(bytes) else { return false };
    assert_eq!(decode::<T>(&encode(&value)), Ok(value), "a value reads back");
    let more = [bytes, &[0xC0]].concat();
    assert!(decode::<T>(&more).is_err(), "a value with something behind it is another value");
    true
}

//! Builds that call the handlers of agreements otherwise than the one that held something: an ending goes by the names of the build that runs it, as
//! long as that has the tentative handler; else it waits for one that has.

use apostate::prelude::*;
use apostate_core::Registry;
use apostate_partition::Tuning;

use crate::agreements::whom;
use crate::asks::{again, talk_long};
use crate::holder::{Holder, holders, open, two_with, units};
use crate::pair::{Making, Writer};
use crate::party::call;

/// A holder of a later build: confirm and cancel have other names.
#[entity(name = "holder")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct NewEndings {
    on_hand: u64,
    held: u64,
    gone: u64,
    news: Vec<String>,
    is_broken: bool,
}

#[handlers]
impl NewEndings {
    #[tentative(confirm = use_up, cancel = give_back)]
    pub fn hold(&mut self, units: u64) -> Result<u64, Refusal> {
        self.on_hand -= units;
        self.held += units;
        Ok(self.on_hand)
    }

    fn use_up(&mut self, units: u64) {
        self.held -= units;
        self.gone += units;
    }

    fn give_back(&mut self, units: u64) {
        self.held -= units;
        self.on_hand += units;
    }
}

/// A holder of a later build: the tentative handler has another name.
#[entity(name = "holder")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct NewTry {
    on_hand: u64,
    held: u64,
    gone: u64,
    news: Vec<String>,
    is_broken: bool,
}

#[handlers]
impl NewTry {
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn set_aside(&mut self, units: u64) -> Result<u64, Refusal> {
        self.on_hand -= units;
        self.held += units;
        Ok(self.on_hand)
    }

    fn sell(&mut self, units: u64) {
        self.held -= units;
        self.gone += units;
    }

    fn put_back(&mut self, units: u64) {
        self.held -= units;
        self.on_hand += units;
    }
}

fn with<E: apostate_core::Handlers>() -> Making {
    let registry = Registry::default().with::<E>().expect("one kind");
    Making { registry, ..holders(2, Tuning::default()) }
}

/// A partner that holds a unit, whose proposer has not heard of it.
fn held() -> (Writer, Writer, String) {
    let (mut here, mut there, [order, _, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose(whom(&[&far])));
    while let Some(frame) = here.frames.pop_front() {
        there.hear(&here, frame);
    }
    assert_eq!(open(&there), (0, 1));
    (here, there, far)
}

#[test]
fn what_an_older_build_held_ends_by_the_handlers_of_the_build_that_runs() {
    let (mut here, there, far) = held();
    let mut there = again(&there, with::<NewEndings>());
    talk_long(&mut here, &mut there);
    assert_eq!((open(&here), open(&there)), ((0, 0), (0, 0)));
    let mut there = again(&there, holders(2, Tuning::default()));
    assert_eq!(units(&mut there, &far), (0, 0, 1));
}

#[test]
fn an_ending_waits_for_a_build_that_has_the_tentative_handler() {
    let (mut here, there, far) = held();
    let mut there = again(&there, with::<NewTry>());
    talk_long(&mut here, &mut there);
    assert_eq!((open(&here), open(&there), there.partition.status().inbox), ((0, 0), (0, 1), 1));
    assert_eq!(there.partition.status().parked, 0, "it is not parked: nothing is wrong with it");
    let mut there = again(&there, holders(2, Tuning::default()));
    talk_long(&mut here, &mut there);
    assert_eq!((units(&mut there, &far), open(&there)), ((0, 0, 1), (0, 0)));
}

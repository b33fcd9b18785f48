//! A proposer that is called while the answers of its partners wait for their turn.

use std::time::Duration;

use apostate::prelude::*;
use apostate_core::Registry;
use apostate_partition::{Answer, Tuning};

use crate::pair::{Making, Writer};

/// An entity that proposes, and accepts.
#[entity(name = "friend")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Friend {
    agreed: u64,
    greeted: u64,
}

#[handlers]
impl Friend {
    /// Proposes to others.
    #[open]
    pub fn meet(&mut self, tx: &mut Tx, friends: Vec<String>) {
        let all = friends.into_iter().map(|friend| Self::at(friend).come());
        tx.propose(Agreement::within(Duration::from_secs(60)).ask_all(all).then(Self::DECIDED));
    }

    #[tentative(confirm = end, cancel = end)]
    pub fn come(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    fn end(&mut self) {}

    /// Does what a client asks for.
    #[open]
    pub fn greet(&mut self) {
        self.greeted += 1;
    }

    /// Agreements that have come to something.
    #[open]
    pub fn agreed(&self) -> u64 {
        self.agreed
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.agreed += u64::from(matches!(outcome, Outcome::Agreed { .. }));
    }
}

#[test]
fn a_call_behind_the_answer_to_a_try_waits_for_its_turn() {
    let registry = Registry::default().with::<Friend>().expect("one kind");
    // What a batch leaves over of its local messages waits in inboxes, and the entity is not in memory for long.
    let tuning = Tuning { batch_messages_max: 1, append_window: 2, cache_bytes: 0, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { registry, tuning, partitions: 1, ..Making::default() }).open();
    writer.ask(Friend::at("me").meet((0..5).map(|friend| format!("f{friend}")).collect()), None);
    for _ in 0..40 {
        writer.ask(Friend::at("me").greet(), None);
        writer.turn();
    }
    writer.work();
    writer.work();
    assert_eq!(writer.answers.len(), 41);
    assert!(writer.answers.iter().all(|answer| matches!(answer, Answer::Done { .. })), "{:?}", writer.answers);
    assert_eq!(writer.reply_of(Friend::at("me").agreed()), Some(1_u64));
}

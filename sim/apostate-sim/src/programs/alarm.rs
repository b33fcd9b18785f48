//! Alarms: timers that are set, replaced and cancelled, by entities that know exactly which of theirs have to come.
//!
//! Each timer has a tag of its own, drawn at random. What rings and is not expected has come twice, after it was cancelled or replaced, or out of
//! another life.

use std::collections::BTreeMap;
use std::time::Duration;

use apostate::prelude::*;

/// Names of timers.
const NAMES: [&str; 2] = ["one", "two"];

/// How long timers wait, in milliseconds.
const WAITS: [u64; 6] = [0, 1, 20, 300, 1500, 5000];

/// An entity with timers. Of every two, one is deleted now and then, and the other has timers for its like.
#[entity(name = "alarm")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// Transactions that have changed it in this life.
    pub(crate) applied: u64,
    /// Timers for itself that have to come, by tag.
    pub(crate) expected: BTreeMap<u64, Expected>,
    /// When the last one was due that has come, and its number.
    last: (u64, u64),
    /// Numbers given to timers.
    numbers: u64,
    /// Timers for others that were set and not cancelled.
    pub(crate) sent: u64,
    ids: Vec<TimerId>,
    /// Tags that others had rung here.
    pub(crate) heard: Vec<u64>,
    /// Mistakes that it has noticed.
    pub(crate) wrong: Vec<String>,
}

/// A timer that has to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Expected {
    pub(crate) due: u64,
    number: u64,
    name: Option<String>,
    id: Option<TimerId>,
}

#[handlers]
impl Alarm {
    /// Sets, replaces and cancels some timers; now and then refuses or panics after that, or deletes the entity.
    #[open]
    pub fn wind(&mut self, tx: &mut Tx, steps: u32, others: u64) -> Result<u64, Refusal> {
        let own = self.step(tx, steps, others);
        let ending = tx.random() % 16;
        refuse!(ending == 1 || ending == 2, code = "wound", "not now");
        match ending {
            0 => panic!("wound too far"),
            3 if own.is_multiple_of(2) => tx.delete(),
            // Comes before timers that are due at once, and cancels them.
            4..7 => tx.send(Self::at(own).hush()),
            7 | 8 => {
                let other = tx.random() % others;
                tx.send(Self::at(other).hush());
            }
            _ => {}
        }
        Ok(self.applied)
    }

    /// Does the same, and often panics: as it cannot refuse, others may have built upon it, and the whole batch is undone.
    #[open]
    pub fn jolt(&mut self, tx: &mut Tx, steps: u32, others: u64) -> u64 {
        self.step(tx, steps, others);
        assert!(!tx.random().is_multiple_of(3), "jolted");
        self.applied
    }

    /// Cancels everything that it knows of.
    pub fn hush(&mut self, tx: &mut Tx) {
        self.applied += 1;
        for (tag, Expected { name, id, .. }) in std::mem::take(&mut self.expected) {
            let is_cancelled = match (name, id) {
                (Some(name), _) => tx.timer(&name).cancel(),
                (None, Some(id)) => tx.cancel_timer(id),
                (None, None) => false,
            };
            self.check(is_cancelled, || format!("timer {tag} is not there to be cancelled"));
        }
    }

    /// Is told by a timer of its own.
    pub fn ring(&mut self, tx: &mut Tx, tag: u64) {
        self.applied += 1;
        let Some(Expected { due, number, .. }) = self.expected.remove(&tag) else {
            return self.wrong.push(format!("timer {tag} has come and was not expected"));
        };
        self.check(due <= tx.now().0, || format!("timer {tag} is early"));
        // Those that wait are due at different times, and one that is due earlier may have been set when the later had come.
        let is_in_order = due != self.last.0 || number > self.last.1;
        self.check(is_in_order, || format!("timer {tag} was set first and is second"));
        self.last = (due, number);
    }

    /// Is told by a timer of another one.
    pub fn hear(&mut self, tag: u64) {
        self.applied += 1;
        let is_new = !self.heard.contains(&tag);
        self.check(is_new, || format!("timer {tag} of another has come twice"));
        self.heard.push(tag);
    }

    /// Sets, replaces and cancels some timers. Gives its own number.
    fn step(&mut self, tx: &mut Tx, steps: u32, others: u64) -> u64 {
        self.applied += 1;
        let own: u64 = tx.key().as_str().parse().expect("an alarm's key is a number");
        for _ in 0..steps {
            match tx.random() % 8 {
                0..3 => self.set(tx),
                3 | 4 => self.set_named(tx),
                5 => self.cancel(tx),
                6 => self.cancel_named(tx),
                _ => self.set_for_other(tx, own, others),
            }
        }
        own
    }

    fn check(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(wrong());
        }
    }

    fn expect(&mut self, tag: u64, due: Timestamp, name: Option<String>, id: Option<TimerId>) {
        self.numbers += 1;
        self.expected.insert(tag, Expected { due: due.0, number: self.numbers, name, id });
    }

    fn set(&mut self, tx: &mut Tx) {
        let (tag, wait) = (tx.random(), wait(tx));
        let id = tx.send_after(wait, Self::at(tx.key().clone()).ring(tag));
        self.expect(tag, tx.now().after(wait), None, Some(id));
    }

    fn set_named(&mut self, tx: &mut Tx) {
        let (tag, wait, name) = (tx.random(), wait(tx), name(tx));
        let message = Self::at(tx.key().clone()).ring(tag);
        tx.timer(name).send_after(wait, message);
        self.expected.retain(|_, expected| expected.name.as_deref() != Some(name));
        self.expect(tag, tx.now().after(wait), Some(name.to_owned()), None);
    }

    fn cancel(&mut self, tx: &mut Tx) {
        let known = self.expected.iter().find_map(|(tag, expected)| Some((*tag, expected.id?)));
        if let Some((tag, id)) = known {
            let is_cancelled = tx.cancel_timer(id);
            self.check(is_cancelled, || format!("timer {tag} is not there to be cancelled"));
            self.expected.remove(&tag);
        }
    }

    fn cancel_named(&mut self, tx: &mut Tx) {
        let name = name(tx);
        let is_expected = self.expected.values().any(|expected| expected.name.as_deref() == Some(name));
        let is_cancelled = tx.timer(name).cancel();
        self.check(is_cancelled == is_expected, || format!("timer {name} is expected: {is_expected}"));
        self.expected.retain(|_, expected| expected.name.as_deref() != Some(name));
    }

    /// Sets a timer for another one that is not deleted, or cancels one, which may be too late.
    fn set_for_other(&mut self, tx: &mut Tx, own: u64, others: u64) {
        if own.is_multiple_of(2) {
            return;
        }
        if !self.ids.is_empty() && tx.random().is_multiple_of(3) {
            let at = (tx.random() % self.ids.len() as u64) as usize;
            self.sent -= u64::from(tx.cancel_timer(self.ids.swap_remove(at)));
            return;
        }
        let (tag, wait) = (tx.random(), wait(tx));
        let (other, due) = ((tx.random() % others) | 1, tx.now().after(wait));
        let other = if other == own { own + 2 } else { other };
        self.sent += 1;
        self.ids.push(tx.send_at(due, Self::at(other).hear(tag)));
    }
}

fn wait(tx: &mut Tx) -> Duration {
    Duration::from_millis(WAITS[(tx.random() % WAITS.len() as u64) as usize])
}

fn name(tx: &mut Tx) -> &'static str {
    NAMES[(tx.random() % NAMES.len() as u64) as usize]
}

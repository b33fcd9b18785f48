//! Brokers: entities that answer later, some calls soon, some late, some with a refusal, and some never.
//!
//! A broker keeps the tokens of its commissions, and ends the oldest whenever it is told to. It counts what must not be: a commission that comes
//! twice, an answer that is taken twice, and one that is too late before its time.

use std::collections::BTreeMap;
use std::time::Duration;

use apostate::prelude::*;

use crate::programs::flaky::panics_again;

/// Brokers from this number on leave now and then.
pub(crate) const LEAVERS: u16 = 100;

/// A broker. Its key is its number.
#[entity(name = "broker")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Broker {
    /// Transactions that have changed it, in the life under way.
    pub(crate) applied: u64,
    /// Commissions that are not ended, the oldest first.
    pub(crate) open: Vec<Commission>,
    /// Tags of commissions, and whether somebody was there for the answer; none while it is open.
    pub(crate) ended: BTreeMap<u64, Option<bool>>,
    /// Orders that it has given to other brokers and that are open, by tag, and how they ended.
    pub(crate) ordered: BTreeMap<u64, u16>,
    pub(crate) delivered: BTreeMap<u64, u16>,
    /// Commissions that came twice.
    pub(crate) doubled: u64,
    /// Answers that were taken twice, or ended an order that is not open.
    pub(crate) strange: u64,
    /// Answers that were too late before their time.
    pub(crate) early: u64,
}

/// A commission whose answer is owed.
#[data]
#[derive(Clone, Debug)]
pub(crate) struct Commission {
    pub(crate) tag: u64,
    pub(crate) later: Later<u64>,
    pub(crate) deadline: Timestamp,
}

#[handlers]
impl Broker {
    /// Takes a commission, or refuses it at once; now and then it is ended at once, or by the broker itself after a while.
    #[open]
    pub fn commission(&mut self, tx: &mut Tx, tag: u64, patience: u64) -> Result<Later<u64>, Refusal> {
        self.applied += 1;
        self.doubled += u64::from(self.ended.insert(tag, None).is_some());
        refuse!(tag.is_multiple_of(7), "{tag}");
        let (later, within) = (tx.later(), Duration::from_millis(patience));
        let commission = Commission { tag, later: later.clone(), deadline: tx.now().after(within) };
        if tag.is_multiple_of(5) {
            self.end(tx, commission);
        } else {
            self.open.push(commission);
        }
        if tag.is_multiple_of(2) {
            tx.send_after(Duration::from_millis(tag % 3000), Self::at(tx.key().clone()).finish(1));
        }
        Ok(later.within(within))
    }

    /// Ends so many commissions, the oldest first. It may panic when it has.
    #[open]
    pub fn finish(&mut self, tx: &mut Tx, count: usize) {
        self.applied += 1;
        for commission in self.open.drain(..count.min(self.open.len())).collect::<Vec<_>>() {
            let tag = commission.tag;
            self.end(tx, commission);
            assert!(!tag.is_multiple_of(11) || !panics_again(tag, 2), "moody");
        }
    }

    /// Orders something of another broker.
    #[open]
    pub fn order(&mut self, tx: &mut Tx, other: u16, tag: u64, patience: u64) {
        self.applied += 1;
        self.ordered.insert(tag, other);
        let within = Duration::from_millis(patience);
        tx.ask(Self::at(other).commission(tag, patience)).within(within).then(Self::ON_DONE);
    }

    /// Leaves, whatever it owes.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx) {
        self.applied += 1;
        tx.delete();
    }

    #[on]
    fn on_done(&mut self, tx: &mut Tx, answer: Answer<u64>) {
        self.applied += 1;
        let other: Option<u16> = tx.sender().and_then(|other| other.key().as_str().parse().ok());
        let tag = match &answer {
            Answer::Answered(tag) => Some(*tag),
            Answer::Refused(why) => why.text.parse().ok(),
            Answer::Expired | Answer::Failed(_) => return,
        };
        let (Some(tag), Some(other)) = (tag, other) else {
            self.strange += 1;
            return;
        };
        self.strange += u64::from(self.ordered.remove(&tag) != Some(other));
        if matches!(answer, Answer::Answered(_)) {
            self.delivered.insert(tag, other);
        }
    }

    fn end(&mut self, tx: &mut Tx, commission: Commission) {
        let Commission { tag, later, deadline } = commission;
        let is_heard = match tag.is_multiple_of(3) {
            true => tx.refuse(later.clone(), Refusal::new(tag.to_string())),
            false => tx.answer(later.clone(), tag),
        };
        self.ended.insert(tag, Some(is_heard));
        self.strange += u64::from(tx.answer(later, tag + 1));
        // Nobody waits for what a broker sends itself; else whoever does waits until then.
        self.early += u64::from(!is_heard && tx.now() < deadline);
    }
}

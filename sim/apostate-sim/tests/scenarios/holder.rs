//! Holders: entities that propose agreements, hold units for others, pass what they are asked on to others, panic and leave; and tell how it ended.

use std::time::Duration;

use apostate::Lapsed;
use apostate::prelude::*;
use apostate_core::{Address, EntityKey, KindId, Registry};
use apostate_log::PartitionId;
use apostate_partition::Tuning;

use crate::pair::{Making, Writer, map, talk};

/// An entity with units, of which some are promised and some are gone.
#[entity(name = "holder")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) on_hand: u64,
    pub(crate) held: u64,
    pub(crate) gone: u64,
    /// How its agreements ended.
    pub(crate) news: Vec<String>,
    /// Whether its endings panic.
    pub(crate) is_broken: bool,
}

/// How many partners have to accept.
#[data]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    All,
    AtLeast(u32),
    Eagerly(u32),
    Offered,
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[handlers]
impl Holder {
    #[open]
    pub fn stock(&mut self, units: u64) {
        self.on_hand += units;
    }

    #[open]
    pub fn set_broken(&mut self, is_broken: bool) {
        self.is_broken = is_broken;
    }

    /// Asks each of these to hold one unit.
    #[open]
    pub fn propose(&mut self, tx: &mut Tx, whom: Vec<String>) {
        let legs = whom.into_iter().map(|key| Self::at(key).hold(1).ignoring_the_offer());
        tx.propose(Agreement::within(PATIENCE).ask_all(legs).then(Self::DECIDED));
    }

    /// Asks each of these to hold so many units, for so many milliseconds.
    #[open]
    pub fn propose_to(&mut self, tx: &mut Tx, whom: Vec<(String, u64)>, who: Who, milliseconds: u64) {
        let legs = whom.into_iter().map(|(key, units)| Self::at(key).hold(units));
        let asked = Agreement::within(Duration::from_millis(milliseconds)).ask_all(legs);
        match who {
            Who::All => tx.propose(asked.then(Self::OFFERED)),
            Who::AtLeast(count) => tx.propose(asked.at_least(count).then(Self::OFFERED)),
            Who::Eagerly(count) => tx.propose(asked.at_least(count).eagerly().then(Self::OFFERED)),
            Who::Offered => tx.propose(asked.take_what_is_offered().then(Self::OFFERED)),
        };
    }

    /// Proposes, and panics.
    #[open]
    pub fn falter(&mut self, tx: &mut Tx, whom: Vec<String>) {
        self.propose(tx, whom);
        panic!("faltered");
    }

    /// Proposes, and its handler that is told panics.
    #[open]
    pub fn dread(&mut self, tx: &mut Tx, whom: Vec<String>) {
        let legs = whom.into_iter().map(|key| Self::at(key).hold(1).ignoring_the_offer());
        tx.propose(Agreement::within(PATIENCE).ask_all(legs).then(Self::DREADED));
    }

    /// Asks one that asks others.
    #[open]
    pub fn propose_through(&mut self, tx: &mut Tx, middle: String, whom: Vec<String>) {
        tx.propose(Agreement::within(PATIENCE).ask(Self::at(middle).pass_on(whom)).then(Self::DECIDED));
    }

    /// Asks one that lets it go by itself.
    #[open]
    pub fn propose_lapsing(&mut self, tx: &mut Tx, whom: Vec<String>) {
        let [lender, holder] = &whom[..] else { panic!("two") };
        let asked = Agreement::within(PATIENCE)
            .ask(Self::at(lender).lend(1))
            .ask(Self::at(holder).hold(1).ignoring_the_offer());
        tx.propose(asked.on_lapsed(Self::HAS_LAPSED).then(Self::DECIDED));
    }

    /// Leaves.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx) {
        tx.delete();
    }

    /// Holds units, and offers what is left. 666 of them it cannot bear.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn hold(&mut self, units: u64) -> Result<u64, Refusal> {
        assert!(units != 666, "burst");
        refuse!(self.on_hand < units, code = "sold-out", "only {} left", self.on_hand);
        self.on_hand -= units;
        self.held += units;
        Ok(self.on_hand)
    }

    fn sell(&mut self, units: u64) {
        assert!(!self.is_broken, "broken");
        self.held -= units;
        self.gone += units;
    }

    fn put_back(&mut self, units: u64) {
        assert!(!self.is_broken, "broken");
        self.held -= units;
        self.on_hand += units;
    }

    /// Holds units for ten seconds.
    #[tentative(confirm = give, cancel = take_back, self_expire = Duration::from_secs(10))]
    pub fn lend(&mut self, units: u64) -> Result<(), Refusal> {
        self.hold(units).map(|_| ())
    }

    fn give(&mut self, units: u64) {
        self.sell(units);
    }

    fn take_back(&mut self, units: u64) {
        self.put_back(units);
    }

    /// Holds a unit if all of these do.
    #[tentative(confirm = passed, cancel = dropped)]
    pub fn pass_on(&mut self, tx: &mut Tx, whom: Vec<String>) -> Result<(), Refusal> {
        let legs = whom.into_iter().map(|key| Self::at(key).hold(1).ignoring_the_offer());
        tx.propose(Agreement::under_this_try().ask_all(legs));
        self.hold(1).map(|_| ())
    }

    fn passed(&mut self, _whom: Vec<String>) {
        self.sell(1);
    }

    fn dropped(&mut self, _whom: Vec<String>) {
        self.put_back(1);
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.news.push(match outcome {
            Outcome::Agreed { offers } => format!("agreed by {}", offers.len()),
            Outcome::Refused { by, why } => format!("{}/{} refused: {}", by.kind, by.key, why.code),
            Outcome::Expired => "expired".to_owned(),
        });
    }

    #[on]
    fn offered(&mut self, outcome: Outcome<u64>) {
        self.news.push(match outcome {
            Outcome::Agreed { offers } => {
                let offers: Vec<_> = offers.iter().map(|offer| (offer.leg, offer.offer)).collect();
                format!("agreed: {offers:?}")
            }
            Outcome::Refused { by, why } => format!("{} refused: {}", by.key, why.code),
            Outcome::Expired => "expired".to_owned(),
        });
    }

    #[on]
    fn dreaded(&mut self, _outcome: Outcome) {
        panic!("dreaded");
    }

    #[on]
    fn has_lapsed(&mut self, lapsed: Lapsed) {
        self.news.push(format!("leg {} of {} has lapsed", lapsed.leg, lapsed.partner.key));
    }

    /// All of it.
    #[open]
    pub fn show(&self) -> Holder {
        self.clone()
    }
}

pub(crate) fn holders(partitions: u32, tuning: Tuning) -> Making {
    let registry = Registry::default().with::<Holder>().expect("one kind");
    Making { registry, tuning, partitions, ..Making::default() }
}

pub(crate) fn address(key: &str) -> Address {
    Address::new(KindId::of(Holder::NAME), EntityKey::new(key).expect("a key"))
}

/// The first `count` keys whose holders live in partition `id` of two.
pub(crate) fn holders_in(id: u64, count: usize) -> Vec<String> {
    let lives = |key: &String| map().find(address(key).hash()) == PartitionId(id);
    (0..).map(|number| format!("h{number}")).filter(lives).take(count).collect()
}

/// A holder as it is; as a new one, if there is none.
pub(crate) fn show(writer: &mut Writer, key: &str) -> Holder {
    writer.reply_of(Holder::at(key).show()).unwrap_or_default()
}

/// The units of a holder: on hand, held, gone.
pub(crate) fn units(writer: &mut Writer, key: &str) -> (u64, u64, u64) {
    let Holder { on_hand, held, gone, .. } = show(writer, key);
    (on_hand, held, gone)
}

/// Agreements that are not over, and operations that have no ending.
pub(crate) fn open(writer: &Writer) -> (usize, usize) {
    let status = writer.partition.status();
    (status.undecided, status.tentative)
}

/// One partition with these holders, each with so many units.
pub(crate) fn one_with(tuning: Tuning, stock: &[(&str, u64)]) -> Writer {
    let mut writer = Writer::first(1, holders(1, tuning)).open();
    for (key, units) in stock {
        crate::party::call(&mut writer, Holder::at(*key).stock(*units));
    }
    writer
}

/// Two partitions: a proposer in the first, and a partner in each, with so many units each.
pub(crate) fn two_with(tuning: Tuning, units: u64) -> (Writer, Writer, [String; 3]) {
    let mut here = Writer::first(1, holders(2, tuning)).open();
    let mut there = Writer::first(2, holders(2, tuning)).open();
    here.meet(&mut there);
    let [proposer, near] = holders_in(1, 2).try_into().expect("two");
    let [far] = holders_in(2, 1).try_into().expect("one");
    crate::party::call(&mut here, Holder::at(&near).stock(units));
    crate::party::call(&mut there, Holder::at(&far).stock(units));
    talk(&mut here, &mut there);
    (here, there, [proposer, near, far])
}

//! Offers in the kit's worlds: agreements that some partners are enough for, and operations that lapse.

use std::cell::Cell;
use std::time::Duration;

use apostate::prelude::*;
use apostate_test::World;

/// Lends a book for some time.
#[entity(name = "shelf")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shelf {
    lent: u32,
    kept: u32,
    returned: u32,
}

#[handlers]
impl Shelf {
    /// Lends one, which comes back by itself after a minute.
    #[tentative(confirm = keep, cancel = give_back, self_expire = Duration::from_secs(60))]
    pub fn lend(&mut self, tx: &mut Tx) -> Result<String, Refusal> {
        refuse!(tx.key().as_str().starts_with("empty"), "nothing is left");
        assert!(!tx.key().as_str().starts_with("slow"), "it takes long");
        self.lent += 1;
        Ok(tx.key().to_string())
    }

    fn keep(&mut self) {
        self.kept += 1;
    }

    fn give_back(&mut self) {
        self.returned += 1;
    }
}

/// Wants books.
#[entity(name = "reader")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reader {
    got: Vec<String>,
    ends: u32,
    lapsed: Vec<String>,
}

#[handlers]
impl Reader {
    /// Takes what is offered.
    #[open]
    pub fn take_any(&mut self, tx: &mut Tx, shelves: Vec<String>, patience: u64) {
        let lend = shelves.into_iter().map(|shelf| Shelf::at(shelf).lend());
        let agreement = Agreement::within(Duration::from_secs(patience)).ask_all(lend).on_lapsed(Self::LAPSED);
        tx.propose(agreement.take_what_is_offered().then(Self::DECIDED));
    }

    /// Takes at least so many, as soon as it has them.
    #[open]
    pub fn take_some(&mut self, tx: &mut Tx, shelves: Vec<String>, books: u32) {
        let lend = shelves.into_iter().map(|shelf| Shelf::at(shelf).lend());
        let agreement = Agreement::within(Duration::from_secs(3600)).ask_all(lend).on_lapsed(Self::LAPSED);
        tx.propose(agreement.at_least(books).eagerly().then(Self::DECIDED));
    }

    /// Asks nobody.
    #[open]
    pub fn take_none(&mut self, tx: &mut Tx) {
        tx.propose(Agreement::within(Duration::from_secs(3600)).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, outcome: Outcome<String>) {
        self.ends += 1;
        if let Outcome::Agreed { offers } = outcome {
            for Offer { leg, partner, offer } in offers {
                assert_eq!((partner.kind.as_str(), partner.key.as_str()), ("shelf", offer.as_str()));
                self.got.push(format!("{leg} {offer}"));
            }
        }
    }

    #[on]
    fn lapsed(&mut self, Lapsed { leg, partner }: Lapsed) {
        self.lapsed.push(format!("{leg} {}", partner.key));
    }
}

fn names(shelves: &[&str]) -> Vec<String> {
    shelves.iter().map(|shelf| (*shelf).to_owned()).collect()
}

#[test]
fn what_is_offered_is_told_with_the_partner_and_its_leg() {
    World::seeds(0..20).entities::<(Shelf, Reader)>().run(|world| {
        world.call(Reader::at(1).take_any(names(&["a", "empty", "b", "a"]), 3600));
        world.call(Reader::at(2).take_none());
        world.settle();
        let reader = |world: &mut World, key: u32| world.get::<Reader>(key).expect("it is there").entity;
        assert_eq!(reader(world, 1).got, ["0 a", "2 b", "3 a"]);
        assert_eq!((reader(world, 2).ends, reader(world, 2).got.len()), (1, 0));
        let shelf = |world: &mut World, key: &str| world.get::<Shelf>(key).expect("it is there").entity;
        let (a, b) = (shelf(world, "a"), shelf(world, "b"));
        assert_eq!(((a.lent, a.kept + a.returned), (b.lent, b.kept + b.returned)), ((2, 2), (1, 1)));
        // In a slow world they lapse before the confirm comes.
        assert_eq!((a.returned + b.returned) as usize, reader(world, 1).lapsed.len());
    });
}

#[test]
fn enough_are_enough_and_the_others_get_theirs_back() {
    World::seeds(0..40).entities::<(Shelf, Reader)>().run(|world| {
        world.call(Reader::at(1).take_some(names(&["a", "b", "empty", "c", "d"]), 2));
        world.call(Reader::at(2).take_some(names(&["a", "empty", "empty2"]), 2));
        world.settle();
        let (one, two) = (world.get::<Reader>(1).expect("it is there"), world.get::<Reader>(2).expect("it is there"));
        assert!((2..=4).contains(&one.got.len()), "{:?}", one.got);
        assert_eq!((two.ends, two.got.len()), (1, 0));
        let (mut lent, mut kept, mut returned) = (0, 0, 0);
        for shelf in world.all::<Shelf>() {
            (lent, kept, returned) = (lent + shelf.lent, kept + shelf.kept, returned + shelf.returned);
        }
        // What took very long to be confirmed has lapsed.
        assert_eq!((kept as usize + one.lapsed.len(), lent), (one.got.len(), kept + returned));
    });
}

#[test]
fn an_operation_that_lapses_before_it_is_confirmed_is_told_to_its_proposer() {
    let all_lapsed = Cell::new(0);
    World::seeds(0..20).entities::<(Shelf, Reader)>().run(|world| {
        // The slow one gives up one after the other, each after half a minute: by then the last of them have lapsed.
        (0..5).for_each(|reader| {
            world.send(Reader::at(reader).take_any(names(&[&format!("of-{reader}"), "slow"]), 3600))
        });
        world.wait(Duration::from_secs(600));
        world.settle();
        for reader in 0..5 {
            let Reader { got, ends, lapsed } = world.get::<Reader>(reader).expect("it is there").entity;
            let Shelf { lent, kept, returned } =
                world.get::<Shelf>(format!("of-{reader}")).expect("it is there").entity;
            assert_eq!((ends, got.len(), lent), (1, 1, 1), "{got:?}");
            assert_eq!((kept + returned, returned as usize), (1, lapsed.len()), "{lapsed:?}");
            all_lapsed.update(|before| before + lapsed.len());
        }
    });
    assert!(all_lapsed.get() > 20, "{}", all_lapsed.get());
}

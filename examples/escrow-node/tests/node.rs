//! Sales of houses on a node: on real disks, over several partitions, by real time.

use std::time::Duration;

use apostate::EntityKey;
use apostate_server::{Client, Node, Settings};
use escrow::{Escrow, House, HouseSale, Lender, Party, Person, Stake, Status, Terms};

const HOUSE: &str = "12 Elm Street";

/// Sam has a house, Bea has 150, and the bank can lend 1000.
struct Town {
    node: Node,
    client: Client,
    dir: tempfile::TempDir,
}

fn key(text: &str) -> EntityKey {
    EntityKey::new(text).expect("a key")
}

fn terms(within_seconds: u64) -> Terms {
    let [house, seller, buyer, lender] = [HOUSE, "sam", "bea", "bank"].map(key);
    Terms { house, seller, buyer, price: 300, lender, loan: 200, within_seconds }
}

fn open(dir: tempfile::TempDir) -> Town {
    let mut settings = Settings::new(dir.path());
    settings.partitions = Some(3);
    let node = Node::open::<HouseSale>(settings).expect("it opens");
    Town { client: node.client(), node, dir }
}

impl Town {
    fn new() -> Self {
        let town = open(tempfile::tempdir().expect("a directory"));
        town.client.call(House::at(HOUSE).build(key("sam"))).wait().expect("nothing stood there");
        town.client.call(Person::at("bea").earn(150)).wait().expect("it is not too much");
        town.client.call(Person::at("sam").earn(1)).wait().expect("it is not too much");
        town.client.call(Lender::at("bank").fund(1000)).wait().expect("it is not too much");
        town
    }

    fn restart(mut self) -> Self {
        self.node.stop().expect("it stops");
        open(self.dir)
    }

    fn sign(&self, parties: &[Party]) {
        for &party in parties {
            self.client.call(Escrow::at("sale").sign(party)).wait().expect("it is open");
        }
        self.client.settle().expect("it becomes quiet");
    }

    fn status(&self) -> Status {
        self.client.list::<Escrow>().next().expect("it was opened").expect("listed").entity.status
    }

    /// The owner of the house and the money of Sam, Bea and the bank, after checking that nothing is uncertain any more.
    fn owner_and_money(&self) -> (String, [u64; 3]) {
        let house = self.client.list::<House>().next().expect("it stands").expect("listed").entity;
        assert_eq!((house.promised_to, house.secures), (None, None));
        let [sam, bea] = ["sam", "bea"].map(|person| {
            let stake = self.client.read(Person::at(person).stake(key("sale"))).wait();
            assert_eq!(stake, Ok(Stake::default()), "{person}");
            let mut people = self.client.list::<Person>().map(|person| person.expect("listed"));
            people.find(|found| found.key.as_str() == person).expect("it was paid before").entity.money
        });
        let bank = self.client.list::<Lender>().next().expect("it is funded").expect("listed").entity;
        assert_eq!(bank.promised, 0);
        (house.owner.expect("it has one").to_string(), [sam, bea, bank.budget])
    }
}

#[test]
fn a_sale_outlives_restarts_and_closes_with_the_last_signature() {
    let town = Town::new();
    town.client.call(Escrow::at("sale").open(terms(24 * 3600))).wait().expect("it is new");
    town.sign(&[Party::Buyer, Party::Seller]);
    assert_eq!(town.status(), Status::Open);
    let town = town.restart();
    assert_eq!(town.owner_and_money(), ("sam".to_owned(), [1, 150, 1000]));
    town.sign(&[Party::Lender]);
    assert_eq!(town.status(), Status::Closed);
    assert_eq!(town.owner_and_money(), ("bea".to_owned(), [301, 50, 800]));
    let town = town.restart();
    assert_eq!(town.owner_and_money(), ("bea".to_owned(), [301, 50, 800]));
}

#[test]
fn a_sale_of_which_the_lender_cannot_lend_enough_moves_nothing() {
    let town = Town::new();
    let too_much = Terms { price: 1150, loan: 1100, ..terms(24 * 3600) };
    town.client.call(Escrow::at("sale").open(too_much)).wait().expect("it is new");
    town.sign(&[Party::Buyer, Party::Seller, Party::Lender]);
    assert_eq!(town.status(), Status::CalledOff { why: "lender bank: bank has 1000 to lend".to_owned() });
    assert_eq!(town.owner_and_money(), ("sam".to_owned(), [1, 150, 1000]));
}

#[test]
fn a_sale_is_called_off_at_its_deadline_by_the_clock() {
    let town = Town::new();
    town.client.call(Escrow::at("sale").open(terms(1))).wait().expect("it is new");
    town.sign(&[Party::Buyer]);
    let town = town.restart();
    while town.status() == Status::Open {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(town.status(), Status::CalledOff { why: "not all have signed in time".to_owned() });
    assert_eq!(town.owner_and_money(), ("sam".to_owned(), [1, 150, 1000]));
}

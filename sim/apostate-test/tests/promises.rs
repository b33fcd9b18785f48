//! The promises that the kit's worlds keep, as the platform does: a program without mistakes passes.

use std::time::Duration;

use apostate::prelude::*;
use apostate_test::World;

/// Notes what it hears of each sender.
#[entity(name = "ear")]
#[derive(Default, Serialize, Deserialize)]
pub struct Ear {
    heard: Vec<(String, u64)>,
    last: Timestamp,
}

/// Says numbers.
#[entity(name = "mouth")]
#[derive(Default, Serialize, Deserialize)]
pub struct Mouth {
    said: u64,
}

#[handlers]
impl Ear {
    /// Hears a number.
    pub fn hear(&mut self, tx: &mut Tx, number: u64) {
        assert!(self.last <= tx.now(), "time goes back");
        self.last = tx.now();
        let sender = tx.sender().expect("a mouth").key().to_string();
        self.heard.push((sender, number));
    }

    /// Forgets everything.
    #[open]
    pub fn forget(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

#[handlers]
impl Mouth {
    /// Says the next numbers to both ears.
    #[open]
    pub fn say(&mut self, tx: &mut Tx, count: u64) -> u64 {
        for _ in 0..count {
            self.said += 1;
            tx.send(Ear::at("left").hear(self.said));
            tx.send(Ear::at("right").hear(self.said));
        }
        self.said
    }

    /// When it was asked.
    #[open]
    pub fn time(&mut self, tx: &mut Tx) -> Timestamp {
        tx.now()
    }
}

#[test]
fn messages_of_a_pair_are_applied_once_and_in_order() {
    World::seeds(0..60).entities::<(Mouth, Ear)>().run(|world| {
        for _ in 0..5 {
            (0..4).for_each(|mouth| world.send(Mouth::at(mouth).say(3)));
        }
        world.settle();
        for key in ["left", "right"] {
            let ear = world.get::<Ear>(key).expect("it has heard");
            for mouth in 0..4 {
                let of_one = ear.heard.iter().filter(|(sender, _)| *sender == mouth.to_string());
                let numbers: Vec<_> = of_one.map(|(_, number)| *number).collect();
                assert_eq!(numbers, (1..=15).collect::<Vec<_>>(), "{key} ear, mouth {mouth}");
            }
        }
    });
}

#[test]
fn what_is_called_is_done_when_the_answer_comes() {
    World::seeds(0..60).entities::<(Mouth, Ear)>().run(|world| {
        for round in 1..=5 {
            assert_eq!(world.call(Mouth::at("me").say(2)), 2 * round);
        }
    });
}

#[test]
fn what_is_deleted_is_gone() {
    World::seeds(0..20).entities::<(Mouth, Ear)>().run(|world| {
        world.call(Mouth::at("me").say(2));
        world.settle();
        world.call(Ear::at("left").forget());
        let ears: Vec<_> = world.all::<Ear>().map(|ear| ear.key.to_string()).collect();
        assert_eq!(ears, ["right"]);
    });
}

#[test]
fn time_passes_when_the_test_waits() {
    World::seeds(0..20).entities::<(Mouth, Ear)>().run(|world| {
        let before = world.call(Mouth::at("me").time());
        world.wait(Duration::from_secs(3600));
        let after = world.call(Mouth::at("me").time());
        assert!(after.since(before) >= Duration::from_secs(3500), "{:?}", after.since(before));
    });
}

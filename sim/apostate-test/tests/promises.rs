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

/// Is woken, and wakes another one.
#[entity(name = "sleeper")]
#[derive(Default, Serialize, Deserialize)]
pub struct Sleeper {
    due: Timestamp,
    woken: u64,
    ids: Vec<TimerId>,
}

#[handlers]
impl Sleeper {
    /// Sleeps for so many hours; whoever sleeps already sleeps anew. Another one is woken at the same time, and one at once.
    #[open]
    pub fn sleep(&mut self, tx: &mut Tx, hours: u64) {
        let wait = Duration::from_secs(3600 * hours);
        self.due = tx.now().after(wait);
        let wake = Self::at(tx.key()).wake();
        tx.timer("sleep").send_after(wait, wake);
        let other = Self::at("other").wake_other();
        self.ids.push(tx.send_at(self.due, other));
    }

    /// Sleeps on, and lets the other one.
    #[open]
    pub fn sleep_on(&mut self, tx: &mut Tx) -> bool {
        let other = self.ids.pop().is_some_and(|id| tx.cancel_timer(id));
        tx.timer("sleep").cancel() && other
    }

    /// Is woken, and goes on sleeping for another hour, three times.
    pub fn wake(&mut self, tx: &mut Tx) {
        assert!(self.due <= tx.now(), "it is early");
        self.woken += 1;
        if self.woken < 3 {
            self.sleep(tx, 1);
        }
    }

    /// Is woken by another one.
    pub fn wake_other(&mut self) {
        self.woken += 1;
    }

    /// Is gone.
    #[open]
    pub fn forget(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

#[test]
fn a_world_settles_while_timers_are_pending_and_they_come_when_time_passes() {
    World::seeds(0..30).entities::<(Sleeper,)>().run(|world| {
        for key in ["one", "two", "three", "four"] {
            world.call(Sleeper::at(key).sleep(20));
        }
        world.call(Sleeper::at("two").sleep(10));
        assert!(world.call(Sleeper::at("three").sleep_on()));
        assert!(!world.call(Sleeper::at("three").sleep_on()), "it does already");
        world.call(Sleeper::at("four").forget());
        world.settle();
        assert!(world.all::<Sleeper>().all(|sleeper| sleeper.woken == 0), "nobody has waited that long");
        world.wait(Duration::from_secs(11 * 3600));
        world.settle();
        let woken = |world: &mut World, key| world.get::<Sleeper>(key).map_or(0, |sleeper| sleeper.woken);
        assert!((1..=2).contains(&woken(world, "two")));
        for _ in 0..12 {
            world.wait(Duration::from_secs(3600));
            world.settle();
        }
        assert_eq!(["one", "two", "three", "four"].map(|key| woken(world, key)), [3, 3, 0, 0]);
        // Each time that somebody slept, but for the two that were called off and the two of the deleted one.
        assert_eq!(woken(world, "other"), 1 + 2 + 2 + 2);
    });
}

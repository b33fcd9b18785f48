//! How fast worlds are, and that enough goes wrong in them.

use std::time::Instant;

use apostate::prelude::*;
use apostate_test::World;

/// A player, of whom a message is passed on at random.
#[entity(name = "player")]
#[derive(Default, Serialize, Deserialize)]
pub struct Player {
    passes: u64,
}

#[handlers]
impl Player {
    /// Passes the ball on, so many times.
    #[open]
    pub fn pass(&mut self, tx: &mut Tx, left: u32) {
        self.passes += 1;
        if left > 0 {
            let next = tx.random() % 100;
            tx.send(Player::at(next).pass(left - 1));
        }
    }
}

#[test]
fn a_hundred_thousand_messages_pass_while_everything_goes_wrong() {
    let start = Instant::now();
    let report = World::seeds(0..8).entities::<(Player,)>().run(|world| {
        for n in 0..50 {
            world.send(Player::at(n).pass(100));
        }
        world.settle();
        assert_eq!(world.all::<Player>().map(|player| player.passes).sum::<u64>(), 50 * 101);
    });
    let seconds = start.elapsed().as_secs_f64();
    // For whoever asks with `--release -- --nocapture`; a machine that is busy proves nothing.
    println!("{report}; {:.0} messages a second", report.messages as f64 / seconds);

    assert!(report.messages >= 8 * 3 * 50 * 101, "{report}");
    let apostate_test::Faults { crashes_before, crashes_after, lost, duplicates, .. } = report.faults;
    for count in [crashes_before, crashes_after, lost, duplicates] {
        assert!(count > 1000, "too little goes wrong: {report}");
    }
}

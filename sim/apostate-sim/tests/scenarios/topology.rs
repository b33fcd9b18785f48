//! Topology: partitions come and go, and a message goes to whoever has its entity by then.

use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Input, Map, Tuning};

use crate::pair::{Appends, Letterbox, Making, Writer, key_in, map, talk};

/// The border between the two that come after partition 2.
const BORDER: u64 = 3 << 62;

/// The map in which 3 and 4 are where 2 was.
fn later(version: u64) -> Map {
    let starts = [(0, PartitionId(1)), (1 << 63, PartitionId(3)), (BORDER, PartitionId(4))];
    Map::of(version, &starts).expect("a map")
}

/// Keys of two entities in partition 2: one that 3 will have, and one that 4 will have.
fn keys() -> [String; 2] {
    let owner = |key: &String| later(2).find(Letterbox::at(key).got().to.expect("a key").hash());
    [3, 4].map(|id| {
        let mut keys = (0..).map(|number| format!("box {number}"));
        keys.find(|key| owner(key) == PartitionId(id)).expect("a key for each")
    })
}

fn newcomer(id: u64) -> Writer {
    Writer::first(id, Making { map: Some(later(2)), ..Making::default() }).open()
}

/// Has letters written to both, in turns.
fn write(sender: &mut Writer, letters: std::ops::Range<u64>) {
    let from = key_in(1);
    for letter in letters {
        sender.ask(Letterbox::at(&from).write(keys()[letter as usize % 2].clone(), letter), None);
        sender.turn();
    }
}

/// Lets the newcomers and the sender talk, one after the other. What has come to each of the two entities.
fn arrived(sender: &mut Writer) -> [Vec<u64>; 2] {
    let arrived = [3, 4].map(|id| {
        let mut receiver = newcomer(id);
        sender.frames.clear();
        sender.meet(&mut receiver);
        receiver.got(&keys()[id as usize - 3])
    });
    assert!(sender.stopped.is_none(), "{:?}", sender.stopped);
    assert_eq!(sender.partition.status().outbox, 0);
    arrived
}

fn even_and_odd(letters: std::ops::Range<u64>) -> [Vec<u64>; 2] {
    [letters.clone().step_by(2).collect(), letters.skip(1).step_by(2).collect()]
}

#[test]
fn messages_for_a_partition_that_is_gone_go_to_those_who_have_its_entities_now() {
    let mut sender = Writer::new(1).open();
    write(&mut sender, 0..20);
    sender.work();
    sender.tell(Input::Topology(Arc::new(later(2))));
    write(&mut sender, 20..30);
    assert_eq!(arrived(&mut sender), even_and_odd(0..30));
    assert_eq!(sender.partition.status().peers, 2, "nothing is left of the one that is gone");
}

#[test]
fn messages_whose_bodies_are_in_the_store_find_their_way_too() {
    let tuning = Tuning { outbox_memory: 0, ..Tuning::default() };
    let mut sender = Writer::first(1, Making { tuning, ..Making::default() }).open();
    write(&mut sender, 0..40);
    sender.tell(Input::RequestCheckpoint { ticket: 1 });
    sender.work();
    assert!(sender.partition.status().outbox_bytes > 10 * sender.partition.status().outbox_memory / 40);
    sender.tell(Input::Topology(Arc::new(later(2))));
    write(&mut sender, 40..50);
    assert_eq!(arrived(&mut sender), even_and_odd(0..50));
}

#[test]
fn messages_of_records_that_are_not_durable_leave_when_they_are() {
    let mut sender = Writer::new(1).open();
    sender.appends = Appends::Withheld;
    write(&mut sender, 0..4);
    sender.tell(Input::Topology(Arc::new(later(2))));
    sender.turn();
    let [mut three, mut four] = [3, 4].map(newcomer);
    sender.frames.clear();
    sender.meet(&mut three);
    assert!(three.got(&keys()[0]).is_empty());
    sender.appends = Appends::Written;
    sender.let_through();
    // What it says to the other one is not for this one.
    sender.frames.retain(|bytes| !matches!(Frame::read(bytes), Ok(Frame::Stalled { .. })));
    talk(&mut sender, &mut three);
    sender.frames.clear();
    sender.meet(&mut four);
    assert_eq!([three.got(&keys()[0]), four.got(&keys()[1])], even_and_odd(0..4));
}

#[test]
fn a_checkpoint_that_is_under_way_has_its_messages_wherever_they_go() {
    let mut sender = Writer::new(1).open();
    sender.holds_checkpoints = true;
    write(&mut sender, 0..6);
    sender.tell(Input::RequestCheckpoint { ticket: 1 });
    sender.work();
    write(&mut sender, 6..10);
    sender.tell(Input::Topology(Arc::new(later(2))));
    sender.work();
    sender.write_checkpoint();
    sender.tell(Input::RequestCheckpoint { ticket: 2 });
    sender.work();
    sender.write_checkpoint();
    assert_eq!(sender.granted, [1, 2]);
    let mut sender = sender.again_as(Making { map: Some(later(2)), ..Making::default() }).open();
    assert_eq!(sender.partition.status().outbox, 10);
    assert_eq!(arrived(&mut sender), even_and_odd(0..10));
}

#[test]
fn an_older_map_and_one_that_gives_a_partition_another_range_are_not_heard() {
    let mut sender = Writer::new(1).open();
    let moved = [(0, PartitionId(1)), (1 << 62, PartitionId(2))];
    sender.tell(Input::Topology(Arc::new(Map::of(9, &moved).expect("a map"))));
    sender.work();
    sender.tell(Input::Topology(Arc::new(later(3))));
    sender.tell(Input::Topology(Arc::new(Map { version: 2, ..map() })));
    write(&mut sender, 0..6);
    assert_eq!(arrived(&mut sender), even_and_odd(0..6));
    sender.answers.clear();
    sender.ask(Letterbox::at(key_in(1)).receive(1), None);
    sender.work();
    assert!(matches!(sender.answers[..], [Answer::Done { .. }]), "{:?}", sender.answers);
}

/// The map in which 1, 2 and 3 are side by side, and the one in which 4 and 5 are where 2 was.
fn of_three() -> [Map; 2] {
    let third = u64::MAX / 3;
    let before = [(0, PartitionId(1)), (third, PartitionId(2)), (2 * third, PartitionId(3))];
    let after =
        [(0, 1), (third, 4), (third + third / 2, 5), (2 * third, 3)].map(|(first, id)| (first, PartitionId(id)));
    [Map::of(1, &before), Map::of(2, &after)].map(|map| map.expect("a map"))
}

#[test]
fn those_who_come_do_not_take_the_places_of_those_who_stay() {
    let [before, after] = of_three();
    let hash = |key: &str| Letterbox::at(key).got().to.expect("a key").hash();
    let key_of = |id: u64| {
        let mut keys = (0..).map(|number| format!("box {number}"));
        keys.find(|key| after.find(hash(key)) == PartitionId(id)).expect("a key for each")
    };
    let mut sender = Writer::first(1, Making { map: Some(before), ..Making::default() }).open();
    for (letter, id) in [3, 4, 5].into_iter().cycle().take(9).enumerate() {
        sender.ask(Letterbox::at(key_of(1)).write(key_of(id), letter as u64), None);
        sender.turn();
    }
    sender.work();
    sender.tell(Input::Topology(Arc::new(after.clone())));
    sender.work();
    for (at, id) in [3, 4, 5].into_iter().enumerate() {
        let mut receiver = Writer::first(id, Making { map: Some(after.clone()), ..Making::default() }).open();
        sender.frames.clear();
        sender.meet(&mut receiver);
        assert_eq!(receiver.got(&key_of(id)), [at as u64, at as u64 + 3, at as u64 + 6], "partition {id}");
    }
    assert!(sender.stopped.is_none(), "{:?}", sender.stopped);
}

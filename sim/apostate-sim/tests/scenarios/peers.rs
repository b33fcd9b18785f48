//! Other partitions: a batch costs what it touches, and not what exists.

use apostate_log::PartitionId;
use apostate_partition::delivery::Frame;
use apostate_partition::{Input, Map};

use crate::letterbox::Letterbox;
use crate::pair::{Making, Writer, key_in, talk};

const MANY: u32 = 10_000;

/// A partition of very many, and a key in each of two of them.
fn among_many() -> (Writer, String, String) {
    let map = Map::first(MANY);
    let lives = |id: u64| {
        let keys = (0..).map(|number: u64| format!("box {number}"));
        let is_in = |key: &String| map.find(Letterbox::at(key).got().to.expect("a key").hash()) == PartitionId(id);
        keys.into_iter().find(is_in).expect("a key for each partition")
    };
    let writer = Writer::first(1, Making { partitions: MANY, ..Making::default() });
    (writer, lives(1), lives(77))
}

#[test]
fn silent_partitions_are_asked_nothing_and_touched_by_no_batch() {
    let (writer, key, _) = among_many();
    let mut writer = writer.open();
    for letter in 1..=100 {
        writer.write(&key, &key, letter, None);
        writer.wait(1_000);
    }
    assert_eq!(writer.got(&key).len(), 100);
    assert_eq!((writer.frames.len(), writer.partition.status().peers), (0, 0));
}

#[test]
fn of_many_partitions_only_the_one_that_is_written_to_hears_anything() {
    let (writer, from, to) = among_many();
    let mut writer = writer.open();
    writer.write(&from, &to, 1, None);
    let said = writer.frames.drain(..).collect::<Vec<_>>();
    assert!(matches!(&said[..], [one] if Frame::read(one) == Ok(Frame::Stalled { name: 0 })), "{said:?}");
    assert_eq!(writer.partition.status().peers, 1);
}

#[test]
fn a_first_message_opens_its_session_and_arrives_without_waiting() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    let (from, to) = (key_in(1), key_in(2));
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    assert_eq!(receiver.got(&to), [1]);
    assert_eq!(sender.partition.status().outbox, 0);
}

#[test]
fn a_partition_that_opens_asks_those_that_it_has_heard() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.write(&key_in(1), &key_in(2), 1, None);
    talk(&mut sender, &mut receiver);
    let questions = |writer: &Writer| {
        let frames = writer.frames.iter().map(|bytes| Frame::read(bytes));
        frames.filter(|frame| matches!(frame, Ok(Frame::Open { .. }))).count()
    };
    let (sender, mut receiver) = (sender.again().open(), receiver.again().open());
    assert_eq!((questions(&sender), questions(&receiver)), (0, 1), "the sender has heard no message");
    receiver.tell(Input::RequestCheckpoint { ticket: 1 });
    receiver.work();
    assert_eq!(questions(&receiver.again().open()), 1, "the store has it, too");
}

//! Checkpoint requests: answered once the store holds all that was durable, and not by writing the same again.

use apostate_log::Position;
use apostate_partition::{Input, stored_position};

use crate::pair::{Appends, Writer, key_in};

fn request(writer: &mut Writer, ticket: u64) {
    writer.tell(Input::RequestCheckpoint { ticket });
    writer.work();
}

/// Where its store is.
fn stored(writer: &Writer) -> Position {
    stored_position(&writer.store, apostate_log::PartitionId(1)).expect("it reads").unwrap_or(Position(0))
}

fn durable(writer: &Writer) -> Position {
    writer.partition.status().durable
}

#[test]
fn a_request_is_answered_without_a_checkpoint_when_nothing_came_since_the_last_one() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    request(&mut writer, 1);
    assert_eq!((&writer.granted[..], writer.written), (&[1][..], 1), "its opening record");
    for ticket in 2..10 {
        request(&mut writer, ticket);
    }
    assert_eq!((writer.granted.len(), writer.written), (9, 1));
    writer.write(&key, &key, 1, None);
    request(&mut writer, 10);
    assert_eq!((writer.granted.len(), writer.written), (10, 2));
    assert_eq!(stored(&writer), durable(&writer));
    // A read changes nothing.
    writer.got(&key);
    request(&mut writer, 11);
    assert_eq!((writer.granted.len(), writer.written), (11, 2));
    // Whoever starts again has a record of its own in the log.
    let mut again = writer.again().open();
    request(&mut again, 12);
    assert_eq!((&again.granted[..], again.written), (&[12][..], 1));
    assert_eq!(stored(&again), durable(&again));
}

#[test]
fn a_request_waits_for_the_checkpoint_that_is_being_written_if_that_has_it_all() {
    let mut writer = Writer::new(1).open();
    writer.holds_checkpoints = true;
    request(&mut writer, 1);
    request(&mut writer, 2);
    assert_eq!((&writer.granted[..], writer.checkpoints.len()), (&[][..], 1), "nothing is in the store yet");
    writer.write_checkpoint();
    writer.work();
    assert_eq!((&writer.granted[..], writer.checkpoints.len()), (&[1, 2][..], 0), "it holds all for both");
}

#[test]
fn a_request_after_a_checkpoint_was_taken_waits_for_the_next_one_if_something_came_in_between() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    writer.holds_checkpoints = true;
    request(&mut writer, 1);
    writer.write(&key, &key, 1, None);
    request(&mut writer, 2);
    writer.write_checkpoint();
    writer.work();
    assert_eq!(writer.granted, [1]);
    assert!(stored(&writer) < durable(&writer));
    writer.write_checkpoint();
    assert_eq!(writer.granted, [1, 2]);
    assert_eq!(stored(&writer), durable(&writer));
}

#[test]
fn a_request_waits_for_a_record_that_may_be_durable_and_is_not_known_to_be() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    request(&mut writer, 1);
    let before = durable(&writer);
    writer.appends = Appends::Withheld;
    writer.write(&key, &key, 1, None);
    request(&mut writer, 2);
    assert_eq!((&writer.granted[..], durable(&writer)), (&[1][..], before), "the log has not answered");
    writer.let_through();
    assert_eq!(writer.granted, [1, 2]);
    assert_eq!(stored(&writer), before.next());
    // Also before it serves.
    let mut next = writer.again();
    next.appends = Appends::Withheld;
    let mut next = next.open();
    request(&mut next, 3);
    assert!(next.granted.is_empty());
    next.let_through();
    assert_eq!(next.granted, [3]);
    assert_eq!(stored(&next), durable(&next));
}

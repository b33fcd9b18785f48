//! Fair turns: no source of work shuts out another, however much of it there is.

use apostate_log::PartitionId;
use apostate_partition::{Input, Tuning};

use crate::pair::Writer;
use crate::parcel::{Parcel, keys_in, parcels, read};

/// Most messages of a batch, where it is filled by messages that beget messages.
const BATCH: usize = 500;

#[test]
fn messages_that_beget_messages_do_not_shut_out_a_read() {
    let mut writer =
        Writer::first(1, parcels(Tuning { batch_messages_max: BATCH, check_every: 100, ..Tuning::default() })).open();
    // Three batches full of messages that beget one each.
    let keys = keys_in(1, 3 * BATCH);
    for key in &keys {
        writer.ask(Parcel::at(key).spin(), None);
    }
    // Its calls too get their share, beside the messages that the first of them beget.
    for _ in 0..100 {
        writer.turn();
    }
    assert_eq!(writer.answers.len(), keys.len());
    writer.answers.clear();
    let before = writer.partition.status().submitted.0;
    writer.tell(read(Parcel::at(&keys[0]).count()));
    for _ in 0..5 {
        writer.turn();
    }
    let batches = writer.partition.status().submitted.0 - before;
    assert_eq!(writer.answers.len(), 1, "not answered in {batches} batches");
}

#[test]
fn the_backlog_of_a_session_does_not_shut_out_a_read() {
    let making = parcels(Tuning { check_every: 100, ..Tuning::default() });
    let (mut sender, mut receiver) = (Writer::first(1, making.clone()).open(), Writer::first(2, making).open());
    sender.meet(&mut receiver);
    let (from, theirs) = (keys_in(1, 1).remove(0), keys_in(2, 65));
    for key in &theirs[1..] {
        receiver.ask(Parcel::at(key).grow(200_000), None);
    }
    receiver.ask(Parcel::at(&theirs[0]).bump(), None);
    receiver.work();
    receiver.answers.clear();
    for _ in 0..150 {
        for key in &theirs[1..] {
            sender.ask(Parcel::at(&from).ship(key.clone(), 1, 10), None);
        }
        sender.work();
    }
    for bytes in std::mem::take(&mut sender.frames) {
        receiver.tell(Input::Frame { from: PartitionId(1), bytes });
    }
    let arrived = receiver.partition.status().arrived;
    assert!(arrived > 5_000, "a backlog of {arrived}");
    receiver.tell(read(Parcel::at(&theirs[0]).count()));
    while receiver.answers.is_empty() {
        receiver.turn();
    }
    let left = receiver.partition.status().arrived;
    assert!(left > arrived / 2, "the read waited for {} of {arrived} messages", arrived - left);
}

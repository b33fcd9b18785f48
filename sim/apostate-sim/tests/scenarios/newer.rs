//! Builds of two ages: what a newer one says is called so, once, and is not asked for again and again.

use apostate_log::{PartitionId, Store};
use apostate_partition::cell::Section;
use apostate_partition::delivery::Frame;
use apostate_partition::{Input, Notice, OpenError, StopReason};
use bytes::Bytes;

use crate::letterbox::Letterbox;
use crate::pair;
use crate::pair::{Making, Writer, key_in, take, talk};

/// Where the role of the first message stands in a frame of messages.
const ROLE_AT: usize = 17 + 57;

/// A frame as a newer build might send it: its first message has a role that is unknown here.
fn with_a_new_role(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if matches!(Frame::read(frame), Ok(Frame::Messages { .. })) {
        bytes[ROLE_AT] = 100;
    }
    bytes.into()
}

/// A frame in a layout that is unknown here.
fn in_a_new_layout(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    bytes[0] |= 0x10;
    bytes.into()
}

/// Carries everything for a minute; of what the sender says comes what a newer build would say. Gives how often the receiver asked for
/// a session.
fn talk_newer(sender: &mut Writer, receiver: &mut Writer, newer: impl Fn(&Bytes) -> Bytes) -> usize {
    let mut questions = 0;
    for _ in 0..120 {
        while !sender.frames.is_empty() || !receiver.frames.is_empty() {
            if let Some(bytes) = sender.frames.pop_front() {
                receiver.hear(sender, newer(&bytes));
            }
            if let Some(bytes) = receiver.frames.pop_front() {
                questions += usize::from(matches!(Frame::read(&bytes), Ok(Frame::Open { .. })));
                sender.hear(receiver, bytes);
            }
        }
        sender.wait(500);
        receiver.wait(500);
    }
    questions
}

fn told(receiver: &Writer) -> usize {
    receiver.notices.iter().filter(|notice| matches!(notice, Notice::NewerPeer { .. })).count()
}

#[test]
fn a_message_of_a_newer_build_is_said_once_and_waits_for_its_sender_to_start_again() {
    let (mut sender, mut receiver, from, to) = pair();
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    sender.write(&from, &to, 2, None);
    assert_eq!(talk_newer(&mut sender, &mut receiver, with_a_new_role), 0, "the same bytes would come again");
    assert_eq!((told(&receiver), receiver.partition.status().newer_peers), (1, vec![PartitionId(1)]));
    assert_eq!(receiver.got(&to), [1]);

    // A newer build once more, and then one that speaks as this one does.
    let mut again = sender.again().open();
    assert!(talk_newer(&mut again, &mut receiver, with_a_new_role) <= 2);
    assert_eq!(receiver.got(&to), [1]);
    let mut older = again.again().open();
    assert!(talk_newer(&mut older, &mut receiver, Bytes::clone) >= 1);
    assert_eq!((receiver.got(&to), receiver.partition.status().newer_peers), (vec![1, 2], Vec::new()));
}

#[test]
fn a_sender_whose_every_frame_is_of_a_newer_build_is_not_asked_again() {
    let (mut sender, mut receiver, from, to) = pair();
    sender.write(&from, &to, 1, None);
    talk_newer(&mut sender, &mut receiver, in_a_new_layout);
    assert_eq!(talk_newer(&mut sender, &mut receiver, in_a_new_layout), 0);
    assert_eq!(told(&receiver), 1);
    let mut older = sender.again().open();
    talk_newer(&mut older, &mut receiver, Bytes::clone);
    assert_eq!(receiver.got(&to), [1]);
}

#[test]
fn a_frame_of_messages_that_is_damaged_is_asked_for_again() {
    let (mut sender, mut receiver, from, to) = pair();
    sender.write(&from, &to, 1, None);
    let frame = take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    receiver.tell(Input::Frame { from: PartitionId(1), bytes: frame.slice(..frame.len() - 1) });
    talk_newer(&mut sender, &mut receiver, Bytes::clone);
    assert_eq!((receiver.got(&to), told(&receiver)), (vec![1], 0));
}

#[test]
fn a_waiting_message_of_a_newer_build_keeps_the_partition_from_opening_and_says_so() {
    let key = key_in(1);
    let mut writer = Writer::new(1).open();
    // Its handler panics: the message waits in the inbox.
    writer.ask(Letterbox::at(&key).prick(key.clone()), None);
    writer.work();
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let (from, to) = ([Section::Inbox as u8], [Section::Inbox as u8 + 1]);
    let (cell, message) = writer.store.scan(&from, &to, 1).expect("it reads").pop().expect("one waits");
    let mut message = message.to_vec();
    message[57] = 100;
    writer.store.checkpoint(&mut [(&cell[..], Some(&message[..]))].into_iter()).expect("a store in memory");
    let error = writer.opening_error();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("written by a newer build: message role 100"), "{error}");
}

#[test]
fn a_state_of_a_newer_build_stops_the_partition_and_says_what_to_start() {
    let key = key_in(1);
    let mut first = Writer::new(1).open();
    first.write(&key, &key, 1, None);
    first.tell(Input::RequestCheckpoint { ticket: 1 });
    first.work();
    first.write_over(&key, |state| state[7] = 1);
    let mut later = first.again_as(Making::default()).open();
    later.write(&key, &key, 2, None);
    let Some(reason @ StopReason::Newer { .. }) = later.stopped.as_deref() else { panic!("{:?}", later.stopped) };
    let text = reason.to_string();
    assert!(text.contains("written by a newer build: state layout 1") && text.contains("start a build"), "{text}");
}

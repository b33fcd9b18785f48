//! A log without room: what is durable can be read, and nothing else is shown.

use apostate_core::decode;
use apostate_log::AppendResult;
use apostate_partition::{Answer, Failure, Input, Request, RequestKind, Tuning};

use crate::pair::{Appends, Letterbox, Making, Writer, key_in};
use crate::parcel::{Parcel, keys_in, parcels, read};

/// The letters that an answer shows.
fn letters(answer: &Answer) -> Vec<u64> {
    let Answer::Done { reply, .. } = answer else { panic!("{answer:?}") };
    decode(reply).expect("a list")
}

/// A writer with one letter, and a second one that there is no room for.
fn full() -> (Writer, String) {
    let (mut writer, key) = (Writer::new(1).open(), key_in(1));
    writer.write(&key, &key, 1, Some("first"));
    writer.appends = Appends::Full;
    writer.write(&key, &key, 2, Some("second"));
    assert!(writer.partition.status().is_full);
    writer.answers.clear();
    (writer, key)
}

fn recall(key: &str, client_key: &str) -> Input {
    let call = Letterbox::at(key).write(String::new(), 0);
    let request_kind = RequestKind::Recall { key: client_key.into() };
    Input::Request(Request::new(call.to.expect("a key"), call.handler, call.body, request_kind))
}

#[test]
fn a_read_needs_no_room_in_the_log() {
    let (mut writer, key) = full();
    assert_eq!(writer.got(&key), [1], "the second letter is not durable");
    let call = Letterbox::at(&key).got();
    let state = RequestKind::State;
    writer.tell(Input::Request(Request::new(call.to.expect("a key"), call.handler, Vec::new(), state)));
    writer.work();
    assert!(matches!(writer.answers.pop(), Some(Answer::Done { .. })), "the whole state neither");
    writer.appends = Appends::Written;
    writer.wait(1000);
    assert_eq!(writer.got(&key), [1, 2]);
}

#[test]
fn a_crash_of_a_full_log_loses_nothing_that_was_shown() {
    let (mut writer, key) = full();
    assert_eq!(writer.got(&key), writer.again().open().got(&key));
}

#[test]
fn a_read_of_what_never_was_needs_no_room_and_keeps_to_the_cache() {
    const CACHE_BYTES: usize = 128 << 10;
    let mut writer = Writer::first(1, parcels(Tuning { cache_bytes: CACHE_BYTES, ..Tuning::default() })).open();
    let keys = keys_in(1, 2000);
    writer.appends = Appends::Full;
    writer.ask(Parcel::at(&keys[0]).bump(), None);
    writer.work();
    for part in keys.chunks(200) {
        part.iter().for_each(|key| writer.tell(read(Parcel::at(key).count())));
        writer.work();
        assert!(writer.partition.status().entity_bytes <= 2 * CACHE_BYTES);
    }
    assert_eq!(writer.answers.len(), keys.len());
    assert!(writer.answers.iter().all(|answer| *answer == Answer::Failed(Failure::Missing)), "the first one neither");
}

#[test]
fn a_read_that_waits_for_a_record_is_answered_when_there_is_no_room_for_that() {
    let tuning = Tuning { append_window: 1, ..Tuning::default() };
    let (mut writer, key) = (Writer::first(1, Making { tuning, ..Making::default() }).open(), key_in(1));
    writer.write(&key, &key, 1, None);
    writer.answers.clear();
    writer.appends = Appends::Withheld;
    let at = writer.partition.status().submitted.next();
    writer.ask(Letterbox::at(&key).receive(2), None);
    writer.read(&key);
    writer.work();
    // Another one stands in the batch behind that record.
    writer.ask(Letterbox::at(&key).receive(3), None);
    writer.read(&key);
    writer.work();
    assert_eq!(writer.answers, []);
    writer.appends = Appends::Full;
    writer.tell(Input::Appended(at, AppendResult::Full));
    writer.work();
    let shown: Vec<_> = writer.answers.drain(..).map(|answer| letters(&answer)).collect();
    assert_eq!(shown, [[1], [1]]);
    writer.appends = Appends::Written;
    writer.wait(1000);
    assert_eq!(writer.got(&key), [1, 2, 3], "and the calls before them are done when there is room");
}

#[test]
fn what_a_client_key_did_is_recalled_without_room_once_it_is_durable() {
    let (mut writer, key) = full();
    writer.tell(recall(&key, "first"));
    writer.write(&key, &key, 1, Some("first"));
    writer.work();
    assert!(
        matches!(&writer.answers[..], [Answer::Repeated(_), Answer::Repeated(_)]),
        "recalled, and asked again: {:?}",
        writer.answers
    );
    writer.answers.clear();
    writer.tell(recall(&key, "second"));
    writer.write(&key, &key, 2, Some("second"));
    writer.write(&key, &key, 3, Some("third"));
    writer.write(&key, &key, 4, None);
    assert_eq!(writer.answers, [const { Answer::Failed(Failure::Full) }; 4], "in flight, or new");
    writer.answers.clear();
    writer.tell(recall(&key, "never"));
    writer.work();
    assert_eq!(writer.answers, [Answer::Failed(Failure::Missing)]);
    writer.appends = Appends::Written;
    writer.wait(1000);
    assert_eq!(writer.got(&key), [1, 2], "what was turned away was not done");
}

#[test]
fn a_list_needs_no_room_in_the_log_if_the_store_has_all_that_is_durable() {
    let (mut writer, key) = (Writer::new(1).open(), key_in(1));
    writer.write(&key, &key, 1, None);
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    writer.appends = Appends::Full;
    writer.write(&key, &key, 2, None);
    writer.tell(Input::RequestCheckpoint { ticket: 2 });
    writer.work();
    assert_eq!(writer.granted, [1, 2]);
}

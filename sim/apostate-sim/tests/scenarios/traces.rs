//! A trace follows a message wherever it goes, and costs nothing that counts.

use apostate_core::Address;
use apostate_partition::delivery::Frame;
use apostate_partition::{Notice, Request, Span, SpanEnd, TraceContext, TraceId};

use crate::pair::{Appends, Letterbox, Writer, key_in, take, talk};

fn trace(byte: u8) -> TraceId {
    TraceId::from_bytes([byte; 16]).expect("not all zero")
}

/// A pair that talks, and somebody outside who has the first write to the second and be followed.
fn followed(byte: u8) -> (Writer, Writer) {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    sender.follow(Letterbox::at(key_in(1)).write(key_in(2), 1), trace(byte));
    sender.work();
    (sender, receiver)
}

fn entity(key: &str) -> Address {
    Letterbox::at(key).got().to.expect("a key")
}

#[test]
fn what_follows_from_a_request_is_one_trace() {
    let (mut sender, mut receiver) = followed(7);
    talk(&mut sender, &mut receiver);
    let [written] = &sender.spans[..] else { panic!("{:?}", sender.spans) };
    let [received] = &receiver.spans[..] else { panic!("{:?}", receiver.spans) };
    assert_eq!((written.trace, received.trace), (trace(7), trace(7)));
    assert_eq!((written.parent, received.parent), (None, Some(written.id)));
    assert_eq!((&written.to, &written.from), (&entity(&key_in(1)), &None));
    assert_eq!((&received.to, &received.from), (&entity(&key_in(2)), &Some(entity(&key_in(1)))));
    assert_eq!((&written.end, &received.end), (&SpanEnd::Done, &SpanEnd::Done));
}

#[test]
fn a_span_leaves_when_its_transaction_is_durable() {
    let mut writer = Writer::new(1).open();
    writer.appends = Appends::Withheld;
    writer.follow(Letterbox::at(key_in(1)).receive(1), trace(1));
    writer.work();
    assert_eq!(writer.spans, []);
    writer.let_through();
    assert_eq!(writer.spans.len(), 1);
}

#[test]
fn a_message_keeps_its_trace_across_crashes_of_both_sides() {
    let (mut sender, receiver) = followed(3);
    let parent = sender.spans[0].id;
    // The letter is on its way, and both die; it is read back from the log and sent again.
    take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    let (mut sender, mut receiver) = (sender.again().open(), receiver.again().open());
    for _ in 0..20 {
        sender.wait(1000);
        receiver.wait(1000);
        talk(&mut sender, &mut receiver);
    }
    let [Span { trace: found, parent: from, .. }] = receiver.spans[..] else { panic!("{:?}", receiver.spans) };
    assert_eq!((found, from), (trace(3), Some(parent)));
}

#[test]
fn a_message_that_is_retried_and_parked_keeps_its_trace_and_people_are_told_of_it() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    writer.follow(Letterbox::at(&key).prick(key.clone()), trace(5));
    writer.work();
    for _ in 0..50 {
        writer.wait(1000);
    }
    assert_eq!(writer.partition.status().parked, 1);
    let attempts = writer.spans.iter().filter(|span| matches!(span.end, SpanEnd::Failed(_))).count();
    assert!(attempts > 2, "each attempt is a span: {:?}", writer.spans);
    assert!(writer.spans.iter().all(|span| span.trace == trace(5)));
    let told = |notice: &Notice| match notice {
        Notice::Panicked { trace, .. } | Notice::Parked { trace, .. } => *trace,
        _ => Some(trace(5)),
    };
    assert!(writer.notices.iter().all(|notice| told(notice) == Some(trace(5))), "{:?}", writer.notices);
}

#[test]
fn of_a_batch_that_was_given_up_there_is_no_span() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    writer.got(&key);
    writer.follow(Letterbox::at(&key).receive(1), trace(1));
    writer.follow(Letterbox::at(&key).burst(), trace(2));
    writer.work();
    let ends: Vec<_> = writer.spans.iter().map(|span| (span.trace, span.end == SpanEnd::Done)).collect();
    assert_eq!(ends, [(trace(1), true), (trace(2), false)], "each once, though both ran twice");
}

#[test]
fn a_request_that_nobody_follows_leaves_no_trace() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    sender.follow(Letterbox::at(key_in(1)).receive(9), trace(9));
    sender.write(&key_in(1), &key_in(2), 1, None);
    talk(&mut sender, &mut receiver);
    assert_eq!((sender.spans.len(), receiver.spans.len()), (1, 0));
}

impl Writer {
    /// A client calls with a trace; the partition does not work yet.
    fn follow<E, R, S, A>(&mut self, call: apostate_core::Call<E, R, S, A>, trace: TraceId) {
        let request = self.request(call, None);
        let trace = Some(Box::new(TraceContext { trace, span: None }));
        self.tell(apostate_partition::Input::Request(Request { trace, ..request }));
    }
}

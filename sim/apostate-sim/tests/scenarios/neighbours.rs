//! Limits that do not depend on the neighbours, and losses that the neighbours know of.

use apostate_log::PartitionId;
use apostate_partition::{Answer, Input, Request, TraceContext, TraceId, Tuning};

use crate::pair::{Writer, key_in, talk};
use crate::parcel::{Parcel, keys_in, parcels};

#[test]
fn the_limit_of_a_run_does_not_depend_on_its_neighbours() {
    let outcome = |has_panic: bool| {
        let mut writer = Writer::first(1, parcels(Tuning::default())).open();
        let keys = keys_in(1, 2);
        writer.ask(Parcel::at(&keys[0]).grow(3_000_000), None);
        writer.work();
        writer.ask(Parcel::at(&keys[0]).bump(), None);
        if has_panic {
            writer.ask(Parcel::at(&keys[0]).burst(), None);
        }
        writer.answers.clear();
        writer.ask(Parcel::at(&keys[0]).ship(keys[1].clone(), 2, 900_000), None);
        writer.work();
        writer.answers.pop().expect("an answer")
    };
    assert_eq!(std::mem::discriminant(&outcome(false)), std::mem::discriminant(&outcome(true)));
}

#[test]
fn a_receiver_that_lost_what_it_acknowledged_is_noticed() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    let (from, to) = (key_in(1), key_in(2));
    let settle = |sender: &mut Writer, receiver: &mut Writer| {
        for _ in 0..20 {
            sender.wait(1000);
            receiver.wait(1000);
            talk(sender, receiver);
        }
    };
    sender.write(&from, &to, 1, None);
    settle(&mut sender, &mut receiver);
    let keep = receiver.partition.status().submitted;
    sender.write(&from, &to, 2, None);
    settle(&mut sender, &mut receiver);
    assert_eq!(receiver.got(&to), [1, 2]);
    assert_eq!(sender.partition.status().outbox, 0, "it was acknowledged");
    receiver.log.lose_after(keep);
    let mut lost = receiver.again().open();
    settle(&mut sender, &mut lost);
    sender.write(&from, &to, 3, None);
    settle(&mut sender, &mut lost);
    let stopped = lost.stopped.expect("it stops");
    assert!(stopped.to_string().contains("P6 broken"), "{stopped}");
}

/// A key of zeros takes two bytes for each in the key of a cell, and every message has a header, and here also a place in a trace.
#[test]
fn a_run_at_every_limit_fits_one_record() {
    let mut writer = Writer::first(1, parcels(Tuning::default())).open();
    let zeros = |number: &u32| format!("{}{number:04}", "\0".repeat(252));
    let lives_here = |key: &String| crate::pair::map().find(crate::parcel::address(key).hash()) == PartitionId(1);
    let key = (0..).map(|number: u32| zeros(&number)).find(lives_here).expect("a key");
    writer.ask(Parcel::at(&key).grow(4_190_000), None);
    writer.work();
    assert!(matches!(writer.answers.pop(), Some(Answer::Done { .. })), "the state alone is within the limit");
    for (count, is_within) in [(10_000, false), (1, true)] {
        let trace = TraceContext { trace: TraceId::from_bytes([7; 16]).expect("an id"), span: None };
        let request = writer.request(Parcel::at(&key).ship(key.clone(), count, 154), None);
        writer.tell(Input::Request(Request { trace: Some(Box::new(trace)), ..request }));
        writer.work();
        assert_eq!(writer.stopped, None);
        let answer = writer.answers.pop().expect("an answer");
        assert_eq!(matches!(answer, Answer::Done { .. }), is_within, "{count} messages: {answer:?}");
    }
}

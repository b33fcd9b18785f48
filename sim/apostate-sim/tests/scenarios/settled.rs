//! Operations that an operator settles by hand: once, whatever happens, and the real ending is recognised when it comes.

use apostate_core::HandlerId;
use apostate_partition::{
    Answer, Failure, Input, Notice, Range, Request, RequestKind, Settle, SettleVerdict, Side, StoredOperation, Tuning,
    Unfinished, unfinished,
};

use crate::agreements::{news, whom};
use crate::asks::{again, give_up, talk_long};
use crate::holder::{Holder, holders, one_with, open, two_with, units};
use crate::pair::{Writer, talk};
use crate::party::{call, impatient};

const CONFIRM: SettleVerdict = SettleVerdict::End { is_confirmed: true, is_without_handler: false };
const CANCEL: SettleVerdict = SettleVerdict::End { is_confirmed: false, is_without_handler: false };
const ERASE: SettleVerdict = SettleVerdict::End { is_confirmed: false, is_without_handler: true };

/// Operations that are held, as an operator's list has them.
fn held(writer: &mut Writer) -> Vec<StoredOperation> {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let list = unfinished(&writer.store, Side::Partner, (&[Range::WHOLE], None), None, usize::MAX).expect("it reads");
    let operation = |item| match item {
        Unfinished::Operation(operation) => operation,
        other => panic!("{other:?}"),
    };
    list.into_iter().map(operation).collect()
}

/// The request of an operator.
fn request(operation: &StoredOperation, verdict: SettleVerdict, key: &str) -> Request {
    let StoredOperation { partner, proposer, number, parked, .. } = operation.clone();
    let reason = "the other side is gone".to_owned();
    let settle = Settle { key: key.into(), proposer, number, verdict, parked, reason };
    let request_kind = RequestKind::Settle(Box::new(settle));
    Request { ticket: 5, digest: Some(7), ..Request::new(partner, HandlerId(0), Vec::new(), request_kind) }
}

fn settle(writer: &mut Writer, operation: &StoredOperation, verdict: SettleVerdict, key: &str) -> Answer {
    writer.answers.clear();
    writer.tell(Input::Request(request(operation, verdict, key)));
    writer.work();
    assert_eq!(writer.stopped.as_deref(), None);
    writer.answers.pop().expect("an answer")
}

fn is_done(answer: &Answer) -> bool {
    matches!(answer, Answer::Done { .. })
}

/// Settlements that are kept, and those whose real ending was another one.
fn kept(writer: &Writer) -> (usize, usize) {
    let status = writer.partition.status();
    (status.settled, status.settled_otherwise)
}

/// A partner that holds a unit and hears of no ending; its proposer has not heard of it either.
fn held_far() -> (Writer, Writer, [String; 3], StoredOperation) {
    let (mut here, mut there, keys) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&keys[0]).propose(whom(&[&keys[2]])));
    while let Some(frame) = here.frames.pop_front() {
        there.hear(&here, frame);
    }
    let operation = held(&mut there).remove(0);
    (here, there, keys, operation)
}

/// A writer whose partner's confirm is parked, and what that partner holds.
fn with_parked_ending() -> (Writer, StoredOperation) {
    let mut writer = Writer::first(1, holders(1, impatient())).open();
    call(&mut writer, Holder::at("a").stock(1));
    call(&mut writer, Holder::at("a").set_broken(true));
    call(&mut writer, Holder::at("order").propose(whom(&["a"])));
    give_up(&mut writer);
    let operation = held(&mut writer).remove(0);
    (writer, operation)
}

#[test]
fn what_may_still_end_is_not_settled() {
    let (_here, mut there, [.., far], operation) = held_far();
    for verdict in [CONFIRM, CANCEL, ERASE] {
        let answer = settle(&mut there, &operation, verdict, "k");
        assert!(matches!(answer, Answer::Failed(Failure::CannotSettle(_))), "{answer:?}");
    }
    let answer = settle(&mut there, &operation, SettleVerdict::Forget, "k");
    assert_eq!(answer, Answer::Failed(Failure::Missing));
    assert_eq!((units(&mut there, &far), open(&there), kept(&there)), ((0, 1, 0), (0, 1), (0, 0)));
}

#[test]
fn what_is_past_its_deadline_is_settled_once_and_the_same_ending_changes_nothing() {
    for is_restarted in [false, true] {
        let (mut here, mut there, [order, _, far], operation) = held_far();
        there.wait(60_000);
        assert!(is_done(&settle(&mut there, &operation, CANCEL, "k")));
        assert_eq!((units(&mut there, &far), open(&there), kept(&there)), ((1, 0, 0), (0, 0), (1, 0)));
        let notice = |notice: &Notice| matches!(notice, Notice::Settled { is_confirmed: false, .. });
        assert_eq!(there.notices.iter().filter(|told| notice(told)).count(), 1);
        if is_restarted {
            there = again(&there, holders(2, Tuning::default()));
        }
        assert!(matches!(settle(&mut there, &operation, CANCEL, "k"), Answer::Repeated(_)));
        assert!(is_done(&settle(&mut there, &operation, CANCEL, "other")), "it is as the operator says");
        let answer = settle(&mut there, &operation, CONFIRM, "third");
        assert!(matches!(answer, Answer::Failed(Failure::CannotSettle(_))), "{answer:?}");
        assert_eq!((units(&mut there, &far), kept(&there)), ((1, 0, 0), (1, 0)));
        // The proposer's partition is back: its time is over too, before the answer reaches it.
        here.wait(60_000);
        talk_long(&mut here, &mut there);
        assert_eq!((news(&mut here, &order), units(&mut there, &far)), (vec!["expired".to_owned()], (1, 0, 0)));
        assert_eq!((kept(&there), open(&here), open(&there)), ((0, 0), (0, 0), (0, 0)));
        assert_eq!(settle(&mut there, &operation, CANCEL, "fourth"), Answer::Failed(Failure::Missing));
    }
}

#[test]
fn another_ending_that_comes_later_is_kept_until_it_is_dropped_by_hand() {
    for is_restarted in [false, true] {
        let (mut here, mut there, [order, _, far], operation) = held_far();
        while let Some(frame) = there.frames.pop_front() {
            here.hear(&there, frame);
        }
        assert_eq!(news(&mut here, &order), ["agreed by 1"]);
        there.wait(60_000);
        assert!(is_done(&settle(&mut there, &operation, CANCEL, "k")));
        talk_long(&mut here, &mut there);
        assert_eq!((units(&mut there, &far), open(&there), kept(&there)), ((1, 0, 0), (0, 0), (1, 1)));
        assert!(there.notices.iter().any(|told| matches!(told, Notice::SettledOtherwise { .. })));
        if is_restarted {
            there = again(&there, holders(2, Tuning::default()));
            assert_eq!(kept(&there), (1, 1));
        }
        assert!(is_done(&settle(&mut there, &operation, SettleVerdict::Forget, "l")));
        assert_eq!(kept(&there), (0, 0));
        assert_eq!(kept(&again(&there, holders(2, Tuning::default()))), (0, 0));
    }
}

#[test]
fn an_ending_that_is_parked_goes_with_its_operation() {
    for is_restarted in [false, true] {
        for (verdict, told) in [(CONFIRM, (0, 0)), (CANCEL, (1, 1))] {
            let (mut writer, operation) = with_parked_ending();
            assert!(operation.parked.is_some());
            if is_restarted {
                writer = again(&writer, holders(1, impatient()));
            }
            // Its handler still cannot: nothing is changed.
            let answer = settle(&mut writer, &operation, verdict, "k");
            assert!(matches!(answer, Answer::Failed(Failure::Panicked(_))), "{answer:?}");
            assert_eq!((units(&mut writer, "a"), open(&writer)), ((0, 1, 0), (0, 1)));
            assert_eq!((writer.partition.status().parked, kept(&writer)), (1, (0, 0)));
            let SettleVerdict::End { is_confirmed, .. } = verdict else { panic!("it ends it") };
            let erase = SettleVerdict::End { is_confirmed, is_without_handler: true };
            assert!(is_done(&settle(&mut writer, &operation, erase, "l")));
            for restarts in 0..2 {
                assert_eq!((units(&mut writer, "a"), open(&writer)), ((0, 1, 0), (0, 0)), "{restarts}");
                assert_eq!((writer.partition.status().parked, kept(&writer)), (0, told), "{restarts}");
                writer = again(&writer, holders(1, impatient()));
            }
        }
    }
}

#[test]
fn a_handler_that_can_again_ends_what_is_parked() {
    let (mut writer, operation) = with_parked_ending();
    call(&mut writer, Holder::at("a").set_broken(false));
    assert!(is_done(&settle(&mut writer, &operation, CONFIRM, "k")));
    assert_eq!((units(&mut writer, "a"), open(&writer), kept(&writer)), ((0, 0, 1), (0, 0), (0, 0)));
    assert_eq!(writer.partition.status().parked, 0);
    let answer = settle(&mut writer, &operation, CONFIRM, "l");
    assert_eq!(answer, Answer::Failed(Failure::Missing), "it is over");
}

#[test]
fn a_settlement_that_is_taken_back_with_its_batch_comes_again() {
    let (_here, mut there, [.., far], operation) = held_far();
    there.wait(60_000);
    there.answers.clear();
    there.tell(Input::Request(request(&operation, CANCEL, "k")));
    // It panics on a value that the settlement has changed.
    there.ask(Holder::at(&far).falter(Vec::new()), None);
    there.work();
    assert_eq!(there.answers.iter().filter(|answer| is_done(answer)).count(), 1, "{:?}", there.answers);
    assert_eq!((units(&mut there, &far), open(&there), kept(&there)), ((1, 0, 0), (0, 0), (1, 0)));
}

#[test]
fn what_is_not_agreed_further_down_is_cancelled_and_not_confirmed() {
    // The one in the middle lives there; its partner here cannot answer, for nothing is carried back.
    let (mut here, mut there, [order, near, middle]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_through(middle.clone(), whom(&[&near])));
    while let Some(frame) = here.frames.pop_front() {
        there.hear(&here, frame);
    }
    there.wait(60_000);
    let operation = held(&mut there).remove(0);
    let answer = settle(&mut there, &operation, CONFIRM, "k");
    assert!(matches!(answer, Answer::Failed(Failure::CannotSettle(_))), "{answer:?}");
    assert!(is_done(&settle(&mut there, &operation, CANCEL, "l")));
    assert_eq!((units(&mut there, &middle), open(&there)), ((1, 0, 0), (0, 0)));
    here.wait(60_000);
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &order), units(&mut here, &near)), (vec!["expired".to_owned()], (1, 0, 0)));
    assert_eq!((open(&here), open(&there), kept(&there)), ((0, 0), (0, 0), (0, 0)));
}

#[test]
fn a_settled_operation_holds_nobody_and_its_ending_makes_no_entity() {
    let (mut here, mut there, [.., far], operation) = held_far();
    there.wait(60_000);
    assert!(is_done(&settle(&mut there, &operation, CANCEL, "k")));
    call(&mut there, Holder::at(&far).leave());
    here.wait(60_000);
    talk_long(&mut here, &mut there);
    assert_eq!((kept(&there), there.reply_of(Holder::at(&far).show())), ((0, 0), None));
    talk(&mut here, &mut there);
    // One that was never held is none.
    let mut writer = one_with(Tuning::default(), &[("a", 1)]);
    let answer =
        settle(&mut writer, &StoredOperation { partner: crate::holder::address("a"), ..operation }, CANCEL, "k");
    assert_eq!(answer, Answer::Failed(Failure::Missing));
}

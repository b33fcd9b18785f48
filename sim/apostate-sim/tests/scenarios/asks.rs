//! Asks: what an entity asks another one is answered once, whatever happens to the two, their partitions and their processes.

use apostate_core::limits::ASKS_PER_ENTITY_MAX;
use apostate_log::{AppendResult, Store};
use apostate_partition::cell::Section;
use apostate_partition::{Answer, Failure, Input, ParkedCommand, Partners, Range, Tuning, Which, parked, partners};

use crate::pair::{Appends, Making, Writer, talk};
use crate::party::{
    Party, address, call, impatient, news, old_parties, open_asks, parties, parties_in, party_in, written_asks,
};

fn one() -> Writer {
    Writer::first(1, parties(1, Tuning::default())).open()
}

/// Two partitions, and a party in each: the asker lives in the first one.
pub(crate) fn two(tuning: Tuning) -> (Writer, Writer, String, String) {
    let (mut here, mut there) =
        (Writer::first(1, parties(2, tuning)).open(), Writer::first(2, parties(2, tuning)).open());
    here.meet(&mut there);
    (here, there, party_in(1), party_in(2))
}

/// Another writer of the same partition, as after a crash, with another seed.
pub(crate) fn again(writer: &Writer, making: Making) -> Writer {
    let seed = u64::from(writer.partition.status().epoch.0 as u32) + 100;
    writer.again_as(Making { seed, ..making }).open()
}

/// Carries everything between two writers for as long as a session takes to open anew.
pub(crate) fn talk_long(one: &mut Writer, two: &mut Writer) {
    for _ in 0..20 {
        talk(one, two);
        one.wait(500);
        two.wait(500);
    }
    talk(one, two);
}

/// Lets time pass until all that is retried has been given up.
pub(crate) fn give_up(writer: &mut Writer) {
    for _ in 0..40 {
        writer.wait(1000);
    }
}

#[test]
fn an_ask_is_answered_refused_or_failed_wherever_its_partner_lives() {
    let script = |asker: &mut Writer, key: &str, partner: &str, exchange: &mut dyn FnMut(&mut Writer)| {
        call(asker, Party::at(key).inspect(partner.to_owned(), 1));
        exchange(asker);
        call(asker, Party::at(key).ask(partner.to_owned(), 3));
        exchange(asker);
        call(asker, Party::at(key).ask(partner.to_owned(), 0));
        exchange(asker);
        call(asker, Party::at(key).provoke(partner.to_owned()));
        exchange(asker);
        call(asker, Party::at(key).inspect(partner.to_owned(), 1));
        exchange(asker);
        assert_eq!(open_asks(asker), 0);
        let told = |text: &str| format!("{partner}{text}");
        let first = if key == partner { ": 0" } else { " failed: entity-missing" };
        let expected = [first, ": 3", " refused: nothing", " failed: handler-panicked", ": 3"].map(told);
        assert_eq!(news(asker, key), expected);
    };
    let mut alone = Writer::first(1, parties(1, impatient())).open();
    script(&mut alone, "a", "b", &mut |writer| give_up(writer));
    script(&mut alone, "self", "self", &mut |writer| give_up(writer));
    assert_eq!(alone.partition.status().counts.late_answers, 0);

    let (mut here, mut there, asker, partner) = two(impatient());
    script(&mut here, &asker, &partner, &mut |here| {
        talk(here, &mut there);
        give_up(&mut there);
        talk_long(here, &mut there);
    });
    assert_eq!((there.partition.status().parked, there.partition.status().counts.late_answers), (0, 0));
}

#[test]
fn an_entity_that_asks_itself_is_told_like_any_other() {
    let mut writer = one();
    call(&mut writer, Party::at("a").ask("a".to_owned(), 3));
    call(&mut writer, Party::at("a").inspect("a".to_owned(), 1));
    assert_eq!(news(&mut writer, "a"), ["a: 3", "a: 3"]);
}

#[test]
fn an_ask_that_is_answered_in_its_batch_is_in_no_record() {
    let mut writer = one();
    for key in ["a", "b"] {
        call(&mut writer, Party::at(key).give(1));
    }
    call(&mut writer, Party::at("a").ask("b".to_owned(), 3));
    assert_eq!((news(&mut writer, "a"), open_asks(&writer)), (vec!["b: 4".to_owned()], 0));
    assert_eq!(written_asks(&writer), 0);

    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask(partner, 3));
    assert_eq!((written_asks(&here), open_asks(&here)), (1, 1));
    talk(&mut here, &mut there);
    assert_eq!((written_asks(&here), written_asks(&there), open_asks(&here)), (2, 0, 0));
}

#[test]
fn a_process_that_stops_between_any_two_commits_changes_nothing() {
    // Each of the frames that an ask needs is carried, and before one of them one of the two processes starts again.
    for is_asker in [true, false] {
        for stopped_before in 0..12 {
            let (mut here, mut there, asker, partner) = two(Tuning::default());
            call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
            for carried in 0..40 {
                if carried == stopped_before {
                    let stopped = if is_asker { &mut here } else { &mut there };
                    *stopped = again(stopped, parties(2, Tuning::default()));
                }
                let (from, to) = if here.frames.is_empty() { (&mut there, &mut here) } else { (&mut here, &mut there) };
                let Some(frame) = from.frames.pop_front() else { break };
                to.hear(from, frame);
            }
            talk_long(&mut here, &mut there);
            let context = format!("asker: {is_asker}, before frame {stopped_before}");
            assert_eq!(news(&mut here, &asker), [format!("{partner}: 3")], "{context}");
            assert_eq!(open_asks(&here), 0, "{context}");
        }
    }
}

#[test]
fn an_open_ask_is_read_back_from_the_log_and_from_the_store() {
    for is_stored in [false, true] {
        let (mut here, mut there, asker, partner) = two(impatient());
        call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
        if is_stored {
            here.tell(Input::RequestCheckpoint { ticket: 1 });
            here.work();
        }
        let mut here = again(&here, parties(2, impatient()));
        assert_eq!(open_asks(&here), 1);
        talk_long(&mut here, &mut there);
        assert_eq!(news(&mut here, &asker), [format!("{partner}: 3")]);
        here.tell(Input::RequestCheckpoint { ticket: 2 });
        here.work();
        let section = Section::Asks as u8;
        assert!(here.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads").is_empty());
        assert_eq!(open_asks(&again(&here, parties(2, impatient()))), 0);
    }
}

#[test]
fn an_entity_that_is_deleted_ends_its_asks_and_their_answers_are_dropped() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
    call(&mut here, Party::at(&asker).ask(partner.clone(), 4));
    call(&mut here, Party::at(&asker).leave(Some(partner.clone())));
    assert_eq!(open_asks(&here), 0);
    talk(&mut here, &mut there);
    assert!(news(&mut here, &asker).is_empty());
    // What was asked was done all the same, also what was asked while it left.
    assert_eq!(here.partition.status().counts.late_answers, 3);
    // Its next life hears of its own asks only.
    call(&mut here, Party::at(&asker).ask(partner.clone(), 5));
    talk(&mut here, &mut there);
    assert_eq!(news(&mut here, &asker), [format!("{partner}: 13")]);
}

#[test]
fn a_partner_that_is_deleted_answers_as_the_new_one_that_it_becomes() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut there, Party::at(&partner).give(7));
    call(&mut there, Party::at(&partner).leave(Some(partner.clone())));
    call(&mut here, Party::at(&asker).inspect(partner.clone(), 1));
    talk(&mut here, &mut there);
    // It asked itself while it left, and so it is there again, with the unit that it gave.
    assert_eq!(news(&mut here, &asker), [format!("{partner}: 1")]);
}

#[test]
fn what_is_asked_waits_for_a_build_that_has_its_handler() {
    let (mut here, there, asker, partner) = two(Tuning::default());
    let mut there = again(&there, old_parties(2));
    call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
    talk_long(&mut here, &mut there);
    give_up(&mut there);
    assert_eq!((there.partition.status().inbox, there.partition.status().parked), (1, 0));
    assert!(news(&mut here, &asker).is_empty());
    let mut there = again(&there, parties(2, Tuning::default()));
    talk_long(&mut here, &mut there);
    assert_eq!(news(&mut here, &asker), [format!("{partner}: 3")]);
}

#[test]
fn an_answer_waits_for_a_build_that_has_the_handler_that_takes_it() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
    let mut here = again(&here, old_parties(2));
    talk_long(&mut here, &mut there);
    assert_eq!((here.partition.status().inbox, open_asks(&here)), (1, 1));
    let mut here = again(&here, parties(2, Tuning::default()));
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &asker), open_asks(&here)), (vec![format!("{partner}: 3")], 0));
}

#[test]
fn an_answer_whose_handler_keeps_panicking_is_parked_and_its_ask_is_over() {
    let mut writer = Writer::first(1, parties(1, impatient())).open();
    call(&mut writer, Party::at("b").give(1));
    call(&mut writer, Party::at("a").dread("b".to_owned()));
    assert_eq!(open_asks(&writer), 1, "while it is retried the ask is open");
    give_up(&mut writer);
    assert_eq!((writer.partition.status().parked, open_asks(&writer)), (1, 0));
    // It is retried as what it was: the handler is told the answer.
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let stored = parked(&writer.store, &[Range::WHOLE], None, usize::MAX).expect("it reads");
    let [number] = stored.iter().map(|stored| stored.number).collect::<Vec<_>>()[..] else { panic!("one is parked") };
    let panics = writer.partition.status().counts.panics;
    writer.tell(Input::Command(ParkedCommand { ticket: 7, to: address("a"), number, retry: true }));
    give_up(&mut writer);
    assert!(writer.partition.status().counts.panics > panics);
    assert_eq!((writer.partition.status().parked, writer.partition.status().counts.late_answers), (1, 0));
}

#[test]
fn a_run_that_asks_too_much_changes_nothing() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    let most = ASKS_PER_ENTITY_MAX as u64;
    call(&mut there, Party::at(&partner).give(1));
    for (times, is_done) in [(most + 1, false), (most - 1, true), (2, false), (1, true), (1, false)] {
        here.answers.clear();
        call(&mut here, Party::at(&asker).inspect(partner.clone(), times));
        match (is_done, here.answers.pop()) {
            (true, Some(Answer::Done { .. })) | (false, Some(Answer::Failed(Failure::TooManyAsks))) => {}
            (_, other) => panic!("{times}: {other:?}"),
        }
    }
    assert_eq!(open_asks(&here), ASKS_PER_ENTITY_MAX);
    // With all of them open it may leave: what ends with it fits its record.
    call(&mut here, Party::at(&asker).leave(None));
    assert_eq!(open_asks(&here), 0);
    talk(&mut here, &mut there);
    assert_eq!(here.partition.status().counts.late_answers, most);
}

#[test]
fn an_ask_that_is_taken_back_with_its_batch_was_never_asked() {
    let mut writer = one();
    // The second one panics on a value that the first has changed and others have built upon: the whole batch is taken back.
    writer.ask(Party::at("a").ask("b".to_owned(), 1), None);
    writer.ask(Party::at("a").falter("b".to_owned()), None);
    writer.ask(Party::at("a").ask("b".to_owned(), 2), None);
    writer.work();
    assert_eq!((news(&mut writer, "a"), open_asks(&writer)), (vec!["b: 1".to_owned(), "b: 3".to_owned()], 0));
    assert_eq!(writer.partition.status().counts.late_answers, 0);

    let (mut here, mut there, asker, partner) = two(Tuning::default());
    for call in [Party::at(&asker).ask(partner.clone(), 1), Party::at(&asker).ask(partner.clone(), 2)] {
        here.ask(call, None);
        here.ask(Party::at(&asker).falter(partner.clone()), None);
    }
    here.work();
    assert_eq!(open_asks(&here), 2);
    talk(&mut here, &mut there);
    assert_eq!(news(&mut here, &asker), [format!("{partner}: 1"), format!("{partner}: 3")]);
    assert_eq!(open_asks(&here), 0);
}

#[test]
fn an_asker_that_has_left_memory_is_told_when_it_is_back() {
    let (mut here, mut there, asker, partner) = two(impatient());
    call(&mut here, Party::at(&asker).ask(partner.clone(), 3));
    here.tell(Input::RequestCheckpoint { ticket: 1 });
    here.work();
    // What has no use for long leaves when others come.
    for key in &parties_in(1, 4)[1..] {
        call(&mut here, Party::at(key).give(1));
    }
    let loads = here.loads;
    assert_eq!(open_asks(&here), 1);
    talk(&mut here, &mut there);
    assert_eq!(here.loads, loads + 1, "the asker was read back");
    assert_eq!(news(&mut here, &asker), [format!("{partner}: 3")]);
}

/// Partners that the store says that a party has asked, and how often each.
fn asked(writer: &mut Writer, key: &str) -> Vec<(String, usize)> {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let id = writer.partition.status().id;
    match partners(&writer.store, id, &address(key), Which::After(None), usize::MAX).expect("it reads") {
        Partners::Page(page) => {
            page.into_iter().map(|item| (item.partner.key().to_string(), item.asks.len())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn open_asks_are_listed_by_partner_until_they_are_answered() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).inspect(partner.clone(), 2));
    assert_eq!(asked(&mut here, &asker), [(partner.clone(), 2)]);
    here = again(&here, parties(2, Tuning::default()));
    assert_eq!(asked(&mut here, &asker), [(partner, 2)], "also by the next writer");
    talk_long(&mut here, &mut there);
    assert_eq!((asked(&mut here, &asker), open_asks(&here)), (Vec::new(), 0));
}

/// A message that waited is handled by a handler that only reads, so its entity is as it was. Then there is no room for the batch, memory is short, and
/// the batch is taken back.
#[test]
fn an_entity_whose_inbox_the_open_batch_has_taken_from_stays_in_memory() {
    let tuning = Tuning { append_window: 1, cache_bytes: 0, ..Tuning::default() };
    let mut writer = Writer::first(1, parties(1, tuning)).open();
    for key in ["b", "other"] {
        call(&mut writer, Party::at(key).give(1));
    }
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    writer.appends = Appends::Withheld;
    let at = writer.partition.status().submitted.next();
    // It waits for its entity, which is read from the store, and is answered in the next batch.
    call(&mut writer, Party::at("a").inspect("b".to_owned(), 1));
    assert_eq!(writer.partition.status().inbox, 0);
    writer.appends = Appends::Full;
    writer.tell(Input::Appended(at, AppendResult::Full));
    for _ in 0..10 {
        assert_eq!(writer.reply_of(Party::at("other").show()), Some(1));
    }
    // There is room again, and what comes next panics on a value that the batch has changed.
    writer.appends = Appends::Withheld;
    writer.wait(1000);
    writer.write_withheld();
    call(&mut writer, Party::at("a").falter("b".to_owned()));
    assert_eq!(writer.partition.status().counts.panics, 1);
    assert_eq!((news(&mut writer, "a"), open_asks(&writer)), (vec!["b: 1".to_owned()], 0));
    assert_eq!((writer.partition.status().inbox, writer.stopped.as_deref()), (0, None));
}

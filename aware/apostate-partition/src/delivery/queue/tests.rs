//! A queue lets bodies go and reads them back, and never changes its order.

use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused};
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::*;
use crate::message::Role;

fn address(key: &str) -> Address {
    Address::new(KindId::of("box"), EntityKey::new(key).expect("a key"))
}

/// Message `number`; all are equally long.
fn message(number: u64) -> Outgoing {
    let (identity, sender, target) = (Identity { origin: PartitionId(1), number }, address("from"), 0);
    let message = Message {
        to: address("to"),
        from: Some(sender.clone()),
        handler: HandlerId::of("receive"),
        role: Role::Plain,
        about: None,
        on_refused: OnRefused::Never,
        body: Box::from([7; 30]),
        trace: None,
    };
    let mut bytes = Vec::new();
    message.write(Some(identity), &mut bytes);
    Outgoing {
        identity,
        sender,
        target,
        layout: Layout::InMemory(bytes.into()),
        record: Position(1),
        kept: Kept::Logged,
    }
}

fn length() -> usize {
    message(1).length()
}

fn queue(numbers: std::ops::RangeInclusive<u64>) -> Queue {
    let mut queue = Queue::default();
    numbers.for_each(|number| queue.push(message(number)));
    queue
}

/// Has everything that is there written by a checkpoint.
fn store(queue: &mut Queue) {
    assert!(queue.take_unstored().all(|message| message.kept == Kept::Taken));
    queue.finish();
    queue.check();
}

/// Sends what can be sent, and gives the numbers.
fn send(queue: &mut Queue) -> Vec<u64> {
    let numbers: Vec<_> = queue.unsent().map(|(message, _)| message.identity.number).collect();
    queue.note_sent(numbers.len(), numbers.len() * length());
    queue.check();
    numbers
}

/// The messages with these keys as the store has them.
fn cells(keys: &[Box<[u8]>]) -> Vec<StoredCell> {
    let read = |key: &[u8]| u64::from_be_bytes(key[key.len() - 8..].try_into().expect("eight bytes"));
    let cell = |key: &[u8]| match message(read(key)).layout {
        Layout::InMemory(bytes) => (Bytes::copy_from_slice(key), Bytes::copy_from_slice(&bytes)),
        Layout::InStore(_) => unreachable!("it was just made"),
    };
    keys.iter().map(|key| cell(key)).collect()
}

#[test]
fn what_no_finished_checkpoint_has_stays_in_memory() {
    let mut queue = queue(1..=4);
    queue.evict_to_budget(0, 1);
    assert_eq!(queue.totals().memory_bytes, 4 * length());
    assert_eq!(queue.take_unstored().count(), 4);
    queue.push(message(5));
    queue.evict_to_budget(0, 1);
    assert_eq!((queue.totals().memory_bytes, queue.totals().pinned_bytes), (5 * length(), 5 * length()));
    queue.finish();
    assert_eq!(queue.totals().pinned_bytes, length());
    queue.evict_to_budget(0, 1);
    // The first, because it is next; the last, because the store does not have it.
    assert_eq!((queue.totals().memory_bytes, queue.totals().bytes), (2 * length(), 5 * length()));
}

#[test]
fn pages_come_in_order_and_nothing_overtakes_them() {
    let mut queue = queue(1..=6);
    store(&mut queue);
    queue.push(message(7));
    queue.evict_to_budget(0, 2 * length());
    assert_eq!(queue.next_page(2 * length()), None, "enough is there");
    assert_eq!(send(&mut queue), [1, 2]);
    let mut seen = vec![1, 2];
    while let Some(page) = queue.next_page(2 * length()) {
        assert!(send(&mut queue).is_empty(), "the page comes first");
        assert_eq!(queue.next_page(2 * length()), None, "one is under way");
        queue.take_page(&page, &cells(&page)).expect("a page");
        seen.extend(send(&mut queue));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    let mut trims = VecDeque::new();
    queue.acknowledge(7, &mut trims);
    assert_eq!(
        (trims.len(), queue.totals().bytes, queue.totals().memory_bytes, queue.totals().pinned_bytes),
        (7, 0, 0, 0)
    );
}

#[test]
fn a_session_that_starts_again_finds_what_it_needs() {
    let mut queue = queue(1..=6);
    assert_eq!(send(&mut queue).len(), 6);
    store(&mut queue);
    queue.evict_to_budget(0, 1);
    assert_eq!(queue.totals().memory_bytes, 6 * length(), "what is under way stays");
    queue.start_again();
    queue.evict_to_budget(0, 1);
    assert_eq!(send(&mut queue), [1]);
    let page = queue.next_page(3 * length()).expect("the next ones");
    // While it is read the session starts once more, and another checkpoint ends.
    queue.start_again();
    store(&mut queue);
    queue.evict_to_budget(0, 1);
    queue.take_page(&page, &cells(&page)).expect("a page");
    assert_eq!(send(&mut queue), [1, 2, 3, 4]);
}

#[test]
fn a_page_with_a_hole_or_a_changed_message_is_not_taken() {
    type Harm = fn(&mut Vec<StoredCell>);
    let harms: [Harm; 4] = [
        |cells| drop(cells.remove(1)),
        |cells| drop(cells.pop()),
        |cells| cells.swap(0, 1),
        |cells| cells[2].1 = cells[1].1.clone(),
    ];
    for harm in harms {
        let mut queue = queue(1..=4);
        store(&mut queue);
        queue.evict_to_budget(0, 1);
        send(&mut queue);
        let page = queue.next_page(usize::MAX).expect("the rest");
        let mut cells = cells(&page);
        assert_eq!(cells.len(), 3);
        harm(&mut cells);
        assert!(queue.take_page(&page, &cells).is_err());
    }
}

#[test]
fn what_was_read_back_without_bodies_is_in_its_place() {
    let mut queue = Queue::default();
    for number in 1..=5 {
        let mut message = message(number);
        message.kept = if number < 5 { Kept::Stored } else { Kept::Logged };
        if (2..5).contains(&number) {
            message.evict_body();
        }
        queue.restore(message);
    }
    assert_eq!(
        (queue.totals().count, queue.totals().bytes, queue.totals().memory_bytes),
        (5, 5 * length(), 2 * length())
    );
    assert_eq!(queue.totals().pinned_bytes, length(), "the store has the others");
    assert_eq!(send(&mut queue), [1]);
    let page = queue.next_page(usize::MAX).expect("those between");
    queue.take_page(&page, &cells(&page)).expect("a page");
    assert_eq!(send(&mut queue), [2, 3, 4, 5]);
    assert_eq!(queue.take_unstored().count(), 1);
}

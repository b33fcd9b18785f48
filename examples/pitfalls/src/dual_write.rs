//! Dual writes: an order in a database, and a message about it in a queue.
//!
//! Two systems, two writes, and a worker that can crash between them. Save first, and a crash leaves an order without
//! a message; the customer asks again, is told "we have your order", and no parcel leaves. Send first, and the
//! crash leaves a message about an order that is not there; the customer asks again, and two parcels leave. There is no
//! third order of two writes.
//!
//! An entity enqueues its messages with its transaction: the order and the message are one commit, and the message
//! is applied once.
//!
//! Paper: *Messaging across entities* (messages are enqueued transactionally).

use std::collections::{BTreeMap, BTreeSet};

use apostate::prelude::*;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

const ORDERS: u32 = 200;

pub(crate) const SAVE_FIRST: Pitfall = Pitfall {
    name: "dual writes, saving first",
    counts: "parcels of 200",
    faults: |seed| Faults { seed, crashes: 100, lost_answers: 0 },
    wrong: |faults| wrong(faults, [Write::Order, Write::Message]),
    right,
};

pub(crate) const SEND_FIRST: Pitfall = Pitfall {
    name: "dual writes, sending first",
    wrong: |faults| wrong(faults, [Write::Message, Write::Order]),
    ..SAVE_FIRST
};

fn orders() -> Vec<u32> {
    (0..ORDERS).collect()
}

/// One of the two writes.
#[derive(Clone, Copy)]
enum Write {
    Order,
    Message,
}

/// A database and a queue, each of them faultless.
#[derive(Default)]
struct Systems {
    database: BTreeSet<u32>,
    queue: Vec<u32>,
}

impl Systems {
    fn write(&mut self, what: Write, order: u32) {
        match what {
            Write::Order => drop(self.database.insert(order)),
            Write::Message => self.queue.push(order),
        }
    }
}

fn wrong(faults: Faults, [first, second]: [Write; 2]) -> Result<Outcome, Failure> {
    let mut systems = Systems::default();
    let history = workers::run(faults, &orders(), |&order, is_new| match is_new {
        None => {
            // A customer who asks again gets no second order.
            let is_new = !systems.database.contains(&order);
            if is_new {
                systems.write(first, order);
            }
            Ok::<_, Failure>(Step::Holding(is_new))
        }
        Some(is_new) => {
            if is_new {
                systems.write(second, order);
            }
            Ok(Step::Done)
        }
    })?;
    let parcels = |order| systems.queue.iter().filter(|sent| **sent == order).count() as u64;
    Ok(Outcome { damage: (0..ORDERS).map(|order| Damage::of_counts(1, parcels(order))).sum(), history })
}

/// One order.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
struct Order {
    placed: bool,
}

#[handlers]
impl Order {
    /// Takes the order, and has its parcel sent.
    #[open]
    pub fn place(&mut self, tx: &mut Tx) {
        self.placed = true;
        tx.send(Parcel::at(tx.key()).send_off());
    }
}

/// One parcel.
#[entity(name = "parcel")]
#[derive(Default, Serialize, Deserialize)]
struct Parcel {
    sent: u64,
}

#[handlers]
impl Parcel {
    /// Sends the parcel.
    pub fn send_off(&mut self) {
        self.sent += 1;
    }
}

fn right(faults: Faults) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Order, Parcel)>(2)?;
    let client = node.client();
    let history = workers::run(faults, &orders(), |order, asked| match asked {
        None => Ok::<_, Failure>(Step::Holding(client.call(Order::at(*order).place()).with_key("place").start())),
        Some(call) => {
            call.wait()?;
            Ok(Step::Done)
        }
    })?;
    client.settle()?;
    let mut parcels = BTreeMap::new();
    for parcel in client.list::<Parcel>() {
        let parcel = parcel?;
        parcels.insert(parcel.key.as_str().to_owned(), parcel.entity.sent);
    }
    let sent = |order: u32| parcels.get(&order.to_string()).copied().unwrap_or(0);
    Ok(Outcome { damage: (0..ORDERS).map(|order| Damage::of_counts(1, sent(order))).sum(), history })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_saved_first_is_sent_too_rarely_unless_both_are_one_commit() {
        SAVE_FIRST.check();
        let shown = (SAVE_FIRST.wrong)((SAVE_FIRST.faults)(1)).unwrap();
        assert_eq!(shown.damage.doubled, 0);
    }

    #[test]
    fn an_order_that_is_sent_first_is_sent_too_often_unless_both_are_one_commit() {
        SEND_FIRST.check();
        let shown = (SEND_FIRST.wrong)((SEND_FIRST.faults)(1)).unwrap();
        assert_eq!(shown.damage.lost, 0);
    }
}

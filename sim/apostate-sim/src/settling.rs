//! An operator who settles by hand what dealers hold: what is parked or past its deadline, and now and then what is neither.
//!
//! Which operations, and how, follows from their cells alone, so no other choice of a seed depends on it.
//!
//! Invariant E4: what was settled is over at once, and another ending that comes later is kept in mind.

use apostate_core::{Address, Entity, HandlerId, KindId, decode};
use apostate_log::PartitionId;
use apostate_partition::cell::{self, EntityCell, Section};
use apostate_partition::operation::Operation;
use apostate_partition::{Answer, Failure, Input, Message, ParkedEnding, Request, RequestKind, Settle, SettleVerdict};
use bytes::Bytes;
use serde::Deserialize;

use crate::check::agreements;
use crate::check::shadow::Shadow;
use crate::programs::dealer::Dealer;
use crate::violation::{Check, Violation, ensure};
use crate::world::{Waiter, World};

/// One of so many operations is settled as confirmed, and one as cancelled.
const ONE_OF: u64 = 6;

/// The arguments that every try of a dealer has.
#[derive(Deserialize)]
struct Tagged {
    tag: u64,
}

impl World {
    /// Settles some of what dealers hold.
    pub(crate) fn settle_some(&mut self) -> Check {
        let mut chosen = Vec::new();
        for shadow in self.shadows.iter() {
            for (key, value) in shadow.section(Section::Operations) {
                let is_confirmed = match xxhash_rust::xxh3::xxh3_64(key) % ONE_OF {
                    0 => true,
                    1 => false,
                    _ => continue,
                };
                let EntityCell { address, sub, .. } = cell::read_key(key).map_err(unread)?;
                if address.kind() != KindId::of(Dealer::NAME) {
                    continue;
                }
                let (proposer, number) = Operation::read_name(sub).map_err(unread)?;
                let hold = Operation::read(value).map_err(unread)?.hold;
                let tag = decode::<Tagged>(&hold).map_err(unread)?.tag;
                let verdict = SettleVerdict::End { is_confirmed, is_without_handler: false };
                let client_key = format!("settle {number} of {}", proposer.key());
                let parked =
                    parked_ending(shadow, &address, |message| message.ends() == Some((proposer.clone(), number)));
                let (key_of_client, reason) = (client_key.into(), "by chance".to_owned());
                let settle = Settle { key: key_of_client, proposer, number, verdict, parked, reason };
                chosen.push((shadow.id, key.clone(), tag, address, settle));
            }
        }
        for (id, cell, tag, to, settle) in chosen {
            let Some(writer) = self.writers.current(id) else { continue };
            self.operator.settled.insert(tag, cell.clone());
            let ticket = self.ticket(Waiter::Settle(cell), to.clone());
            let request_kind = RequestKind::Settle(Box::new(settle));
            let request =
                Request { ticket, digest: Some(tag), ..Request::new(to, HandlerId(0), Vec::new(), request_kind) };
            self.give(writer, Input::Request(request));
        }
        Ok(())
    }

    /// A partition tells what became of an operation that was to be settled.
    pub(crate) fn check_settled(&self, id: PartitionId, cell: &Bytes, answer: &Answer) -> Check {
        let is_open = self.shadows.get(id).cells.contains_key(cell);
        let (answer, _) = answer.clone().original();
        match answer {
            Answer::Done { .. } => {
                ensure!(!is_open, "E4", "partition {id} has settled {cell:?}, which is durably open")
            }
            Answer::Failed(Failure::Missing) => {
                ensure!(!is_open, "E4", "partition {id} misses {cell:?}, which is durably open");
            }
            Answer::Failed(_) => {}
            other => return Err(Violation::new("answers", format!("to settle {cell:?} is answered with {other:?}"))),
        }
        Ok(())
    }
}

fn unread(error: impl ToString) -> Violation {
    Violation::new("P4", error.to_string())
}

/// The parked ending of an operation, as the records have it.
fn parked_ending(shadow: &Shadow, of: &Address, is_its: impl Fn(&Message) -> bool) -> Option<ParkedEnding> {
    let (from, to) = cell::entity_bounds(Section::Parked, of);
    let cells = shadow.cells.range(Bytes::from(from)..Bytes::from(to));
    let ending = |(key, value): (&Bytes, &Bytes)| {
        let message = agreements::parked_message(value).filter(|message| is_its(message))?;
        let number = cell::read_key(key).ok()?.sub.try_into().map(u64::from_be_bytes).ok()?;
        Some(ParkedEnding { number, role: message.role })
    };
    cells.filter_map(ending).next()
}

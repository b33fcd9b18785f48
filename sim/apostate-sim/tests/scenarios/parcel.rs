//! An entity that is as large as it is told, sends as much as it is told, refuses and panics; and keys that live where a
//! scenario wants them.

use apostate::prelude::*;
use apostate_core::{Address, Call, EntityKey, Handlers, KindId, Registry};
use apostate_log::PartitionId;
use apostate_partition::{Input, Request, RequestKind, Tuning};

use crate::pair::{Making, map};

/// An entity of any size.
#[entity(name = "parcel")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Parcel {
    content: String,
    count: u64,
}

#[handlers]
impl Parcel {
    /// Grows to so many bytes.
    #[open]
    pub fn grow(&mut self, bytes: u64) {
        self.content = "x".repeat(bytes as usize);
    }

    /// Sends `count` texts of `bytes` to another one.
    #[open]
    pub fn ship(&mut self, tx: &mut Tx, to: String, count: u64, bytes: u64) {
        self.count += 1;
        for _ in 0..count {
            tx.send(Self::at(&to).take("x".repeat(bytes as usize)));
        }
    }

    /// Takes a text.
    pub fn take(&mut self, text: String) {
        self.count += text.len() as u64;
    }

    /// Counts one.
    #[open]
    pub fn bump(&mut self) {
        self.count += 1;
    }

    /// Sends itself the same message again, for ever.
    #[open]
    pub fn spin(&mut self, tx: &mut Tx) {
        self.count += 1;
        tx.send(Self::at(tx.key().clone()).spin());
    }

    /// Panics.
    #[open]
    pub fn burst(&mut self) {
        panic!("on purpose");
    }

    /// Refuses.
    #[open]
    pub fn never(&mut self) -> Result<(), Refusal> {
        refuse!(true, "never");
        Ok(())
    }

    /// The count.
    #[open]
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// A writer of parcels with this tuning.
pub(crate) fn parcels(tuning: Tuning) -> Making {
    making::<Parcel>(tuning)
}

fn making<E: Handlers>(tuning: Tuning) -> Making {
    Making { registry: Registry::default().with::<E>().expect("one kind"), tuning, ..Making::default() }
}

/// The address of a parcel.
pub(crate) fn address(key: &str) -> Address {
    Address::new(KindId::of(Parcel::NAME), EntityKey::new(key).expect("a key"))
}

/// The first `count` numbers that are keys of parcels in partition `id`.
pub(crate) fn keys_in(id: u64, count: usize) -> Vec<String> {
    let lives = |key: &String| map().find(address(key).hash()) == PartitionId(id);
    (0..).map(|number: u64| number.to_string()).filter(lives).take(count).collect()
}

/// A read, as an input.
pub(crate) fn read<E, R, S, A>(call: Call<E, R, S, A>) -> Input {
    Input::Request(Request {
        ticket: 77,
        ..Request::new(call.to.expect("a key"), call.handler, call.body, RequestKind::Read)
    })
}

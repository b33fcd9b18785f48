//! A ring of posts that pass messages on: each pair counts, so that a doubled, lost or overtaken message shows.

use std::collections::BTreeMap;

use apostate::prelude::*;

/// One post of the ring. Its key is its number.
#[entity(name = "post")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Post {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    /// Messages sent to each partner.
    pub(crate) sent: BTreeMap<u16, u64>,
    /// The number of the last message from each partner.
    pub(crate) got: BTreeMap<u16, u64>,
    /// Messages that came again.
    pub(crate) doubled: u64,
    /// Messages that came before one that was sent earlier.
    pub(crate) overtook: u64,
}

/// A message on its way round.
#[data]
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) from: u16,
    pub(crate) number: u64,
    /// Posts in the ring.
    pub(crate) ring: u16,
    /// How often it is still passed on.
    pub(crate) hops: u16,
}

#[handlers]
impl Post {
    /// Sends a parcel on its way, from outside.
    #[open]
    pub fn post(&mut self, tx: &mut Tx, ring: u16, hops: u16) -> u64 {
        self.applied += 1;
        self.pass_on(tx, ring, hops);
        self.applied
    }

    /// Takes a parcel and passes it on; now and then it becomes two.
    pub fn take(&mut self, tx: &mut Tx, parcel: Parcel) {
        self.applied += 1;
        let got = self.got.entry(parcel.from).or_default();
        self.doubled += u64::from(parcel.number <= *got);
        self.overtook += u64::from(parcel.number > *got + 1);
        *got = parcel.number;
        if parcel.hops > 4 && tx.random().is_multiple_of(8) {
            self.pass_on(tx, parcel.ring, parcel.hops / 2);
            self.pass_on(tx, parcel.ring, parcel.hops - parcel.hops / 2);
        } else if parcel.hops > 0 {
            self.pass_on(tx, parcel.ring, parcel.hops - 1);
        }
    }

    fn pass_on(&mut self, tx: &mut Tx, ring: u16, hops: u16) {
        let own: u16 = tx.key().as_str().parse().expect("a post's key is a number");
        // To itself, to the next one, or to one of a few across the ring.
        let step = [0, 1, 1, 1, ring / 3, ring / 2][(tx.random() % 6) as usize];
        let partner = (own + step) % ring;
        let sent = self.sent.entry(partner).or_default();
        *sent += 1;
        tx.send(Self::at(partner).take(Parcel { from: own, number: *sent, ring, hops }));
    }
}

//! Splits and merges delivery. Watermarks and outgoing messages go along; sessions do not, for both ends know who the other is by its id: they
//! are opened anew, from the oldest message that is not acknowledged.

use rustc_hash::FxHashMap;

use super::{Delivery, Intakes};
use crate::cut::Cut;

impl Delivery {
    /// Delivery of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { peers, outbox, intakes, rectangles, generations, controls: _ } = self;
        let parts = outbox.split(cut).into_iter().zip(rectangles.split(cut)).zip(generations.split());
        let mut sides = parts.map(|((outbox, rectangles), generations)| Self {
            peers: peers.clone(),
            outbox,
            intakes: intakes.anew(),
            rectangles,
            generations,
            controls: Default::default(),
        });
        std::array::from_fn(|_| sides.next().expect("P2 broken: a cut has two sides"))
    }

    /// Delivery of two sides. What one has sent to the other is among its outgoing messages still, and what it has applied of the other among its
    /// watermarks.
    pub(crate) fn merge(self, other: Self) -> Self {
        let Self { mut peers, outbox, intakes, rectangles, generations, controls: _ } = self;
        let Self {
            peers: others,
            outbox: other_outbox,
            intakes: other_intakes,
            rectangles: other_rectangles,
            generations: other_generations,
            controls: _,
        } = other;
        let mut intakes = intakes.anew();
        let mut ids: Vec<_> = others.into_iter().collect();
        ids.sort_unstable_by_key(|(_, at)| *at);
        let mut indexes = FxHashMap::default();
        for (id, at) in ids {
            let next = peers.len();
            let index = *peers.entry(id).or_insert(next);
            if index == next {
                intakes.add(id, other_intakes.source(at));
            }
            indexes.insert(at, index);
        }
        Self {
            outbox: outbox.merge(other_outbox, |at| indexes[&at]),
            intakes,
            rectangles: rectangles.merge(other_rectangles),
            generations: generations.merge(other_generations),
            controls: Default::default(),
            peers,
        }
    }
}

impl Intakes {
    /// The same senders under the same indexes, without sessions.
    fn anew(&self) -> Self {
        let mut anew = Self::default();
        for at in 0..self.len() {
            anew.add(self.id(at), self.source(at));
        }
        anew
    }
}

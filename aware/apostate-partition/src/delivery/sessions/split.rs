//! Splits and merges delivery. Watermarks and outgoing messages go along; sessions do not, for both ends know who the other is by its id: they
//! are opened anew, from the oldest message that is not acknowledged.

use apostate_log::Position;
use rustc_hash::FxHashMap;

use super::{Delivery, Intakes};
use crate::cut::Cut;
use crate::planted::{self, Bug};
use crate::scope::Scope;

impl Delivery {
    /// Delivery of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { peers, free, outbox, intakes, rectangles, generations, controls: _ } = self;
        let parts = outbox.split(cut).into_iter().zip(rectangles.split(cut)).zip(generations.split());
        let mut sides = parts.map(|((outbox, rectangles), generations)| Self {
            peers: peers.clone(),
            free: free.clone(),
            outbox,
            intakes: intakes.anew(),
            rectangles,
            generations,
            controls: Default::default(),
        });
        std::array::from_fn(|_| sides.next().expect("P2 broken: a cut has two sides"))
    }

    /// Delivery of a partition that goes on for another one. Whoever that one knew is asked for sessions anew.
    pub(crate) fn of_child(self, scope: &Scope) -> Self {
        let Self { peers, free, outbox, intakes, rectangles, generations, controls: _ } = self;
        let outbox = outbox.of_child(scope.id());
        let rectangles = if planted::is(Bug::RectanglesLeftBehind) { Default::default() } else { rectangles };
        let controls = Default::default();
        let mut child = Self { peers, free, outbox, intakes: intakes.anew(), rectangles, generations, controls };
        child.take_topology(scope, Position(0));
        child.ask_heard(scope);
        child
    }

    /// Delivery of two sides. What one has sent to the other is among its outgoing messages still, and what it has applied of the other among its
    /// watermarks.
    pub(crate) fn merge(self, other: Self) -> Self {
        let Self { mut peers, mut free, outbox, intakes, rectangles, generations, controls: _ } = self;
        let Self {
            peers: others,
            free: _,
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
            let index = peers.get(&id).copied().unwrap_or_else(|| {
                let index = free.pop().unwrap_or(peers.len());
                intakes.add(index, id, other_intakes.source(at));
                peers.insert(id, index);
                index
            });
            indexes.insert(at, index);
        }
        Self {
            outbox: outbox.merge(other_outbox, |at| indexes.get(&at).copied()),
            intakes,
            rectangles: rectangles.merge(other_rectangles),
            generations: generations.merge(other_generations),
            controls: Default::default(),
            free,
            peers,
        }
    }
}

impl Intakes {
    /// The same senders under the same indexes, without sessions.
    fn anew(&self) -> Self {
        let mut anew = Self::default();
        for at in 0..self.len() {
            anew.add(at, self.id(at), self.source(at));
        }
        anew
    }
}

//! Alarms: timers of nodes, sent to their lanes when they are due by the clock of their node.
//!
//! While a healed world comes to rest, no timer falls due: those that are pending wait for a test that lets time pass.
//!
//! Invariant E2: what a run does with timers is done when the run is committed, and not before.

use apostate_core::Sent;
use apostate_world::Moment;

use super::node::NodeId;
use super::running::Post;
use super::world::IsolatedWorld;
use crate::finding::Check;

impl IsolatedWorld {
    /// Notes when a node's next timer is due.
    pub(super) fn set_alarm(&mut self, id: NodeId) {
        let node = &mut self.nodes[id as usize];
        let alarm = node.alarm();
        let before = std::mem::replace(&mut node.alarm, alarm);
        if before != alarm {
            before.map(|moment| self.alarms.remove(&(moment, id)));
            alarm.map(|moment| self.alarms.insert((moment, id)));
        }
    }

    /// The node whose timer is the next thing to happen, if one is, and when.
    pub(super) fn next_alarm(&self) -> Option<(Moment, NodeId)> {
        let first = self.alarms.first().copied().filter(|(moment, _)| *moment <= self.alarms_until)?;
        self.agenda.next_moment().is_none_or(|next| first.0 <= next).then_some(first)
    }

    /// The first timer of a node that is due is sent.
    pub(super) fn fire(&mut self, id: NodeId) -> Check {
        let node = &mut self.nodes[id as usize];
        let own = node.address.clone();
        let Some((sent, posted, cause)) = node.timers.take_first(|to| *to == own) else { return Ok(()) };
        self.set_alarm(id);
        let Sent { to, handler, on_refused, body, sent_as: _ } = sent;
        self.post(id, Post { timer: posted, ..Post::plain(&to, handler, on_refused, body) }, cause)
    }
}

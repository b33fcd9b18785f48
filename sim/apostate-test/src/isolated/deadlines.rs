//! Deadlines of what is open: asks, owed answers, agreements, and operations that may lapse. Each is a message of the node to itself when it comes, and changes
//! nothing if what it is for is over.

use std::time::Duration;

use apostate_core::{Answer, HandlerId, OnRefused, encode};
use apostate_partition::Role;
use apostate_world::Moment;

use super::agreement::TryName;
use super::node::{Deadline, Message, NodeId, OpenAsk, Waiting};
use super::world::{Event, IsolatedWorld};
use crate::finding::Check;

impl IsolatedWorld {
    /// Sets a deadline, so long after a moment.
    pub(super) fn set_deadline(&mut self, id: NodeId, from: Moment, wait: Duration, of: Deadline) {
        let wait = u64::try_from(wait.as_micros()).unwrap_or(Moment::MAX);
        self.deadlines.insert((from.saturating_add(wait), id, of));
    }

    /// The first deadline, of something that is open or not.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// The time of the first deadline has come: if what it is for is open, the node is told.
    pub(super) fn expire(&mut self) -> Check {
        let Some((deadline, id, of)) = self.deadlines.pop_first() else { return Ok(()) };
        self.agenda.wait_until(deadline);
        match of {
            Deadline::Ask(about) => {
                let open = self.nodes[id as usize].open_asks.get(&about).copied();
                if let Some(OpenAsk { then, partner }) = open {
                    self.tell_itself(id, (partner, about), then, Role::Reply, encode(&Answer::<()>::Expired));
                }
            }
            Deadline::Agreement(number) => {
                if let Some(agreement) = self.nodes[id as usize].agreements.get(&number) {
                    let then = agreement.then.unwrap_or(HandlerId(0));
                    self.tell_itself(id, (id, number), then, Role::Deadline, Vec::new());
                }
            }
            Deadline::Owed(number) => return self.settle_owed(id, number, None, 0),
            Deadline::Operation(name) => self.lapse(id, name),
        }
        Ok(())
    }

    /// An operation, if it is open, is cancelled by its own node.
    pub(super) fn lapse(&mut self, id: NodeId, name: TryName) {
        if let Some(operation) = self.nodes[id as usize].operations.get(&name) {
            let handler = operation.handler;
            self.tell_itself(id, name, handler, Role::Lapse, Vec::new());
        }
    }

    /// Puts a message of the platform into a node's inbox.
    fn tell_itself(&mut self, id: NodeId, (from, about): (NodeId, u64), handler: HandlerId, role: Role, body: Vec<u8>) {
        let on_refused = OnRefused::Never;
        let message = Message { from, number: about, handler, role, about, on_refused, body, cause: 0, timer: None };
        let since = self.agenda.now();
        let node = &mut self.nodes[id as usize];
        let is_first = node.inbox.is_empty();
        node.inbox.push_back(Waiting { message, attempts: 0, since });
        if is_first {
            self.agenda.plan_in(1, Event::Inbox(id));
        }
    }
}

//! The network between partitions, and between clients and partitions: it carries bytes, or loses them.

use apostate_log::PartitionId;
use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Input, Request};
use apostate_world::SECOND;
use bytes::Bytes;

use crate::fault::Fault;
use crate::world::{Event, World};

/// Parts in a thousand of what opens a session that something may happen to: with more, sessions hardly open.
const OPENING_RATE_MAX: u64 = 300;

impl World {
    /// Carries a frame, in order unless something goes wrong.
    pub(crate) fn carry_frame(&mut self, from: PartitionId, to: PartitionId, bytes: Bytes) {
        if self.cuts.contains(&(from, to)) {
            return;
        }
        let delay = self.delay(self.plan.frame_delay);
        let now = self.agenda.now();
        // What opens a session is rare among what is said in it, and what goes wrong with it matters more.
        let is_usual = matches!(Frame::read(&bytes), Ok(Frame::Messages { .. } | Frame::Ack { .. }));
        let rate = self.plan.frame_rate;
        if self.has_fault(if is_usual { rate } else { rate.max(OPENING_RATE_MAX.min(4 * rate)) }) {
            match self.rng.below(3) {
                0 => return self.note(Fault::FrameLost),
                1 => {
                    self.note(Fault::FrameDoubled);
                    let late = delay + self.rng.below(3 * SECOND);
                    self.agenda.plan_at(now + late, Event::Frame { from, to, bytes: bytes.clone() });
                }
                _ => {
                    self.note(Fault::FrameLate);
                    let late = delay + self.rng.below(SECOND);
                    self.agenda.plan_at(now + late, Event::Frame { from, to, bytes });
                    return;
                }
            }
        }
        let arrives = self.carried.entry((from, to)).or_default();
        *arrives = (*arrives).max(now + delay);
        self.agenda.plan_at(*arrives, Event::Frame { from, to, bytes });
    }

    /// A frame arrives: at whoever has the partition, or at somebody who had it.
    pub(crate) fn arrive(&mut self, from: PartitionId, to: PartitionId, bytes: Bytes) {
        let old = self.writers.old(to).filter(|_| self.rng.chance(300));
        if let Some(old) = old {
            self.note(Fault::FrameToOld);
            self.give_or_wait(old, Input::Frame { from, bytes: bytes.clone() });
            if self.rng.chance(500) {
                return;
            }
        }
        if let Some(current) = self.writers.current(to) {
            self.give_or_wait(current, Input::Frame { from, bytes });
        }
    }

    /// A request arrives.
    pub(crate) fn request(&mut self, id: PartitionId, request: Request) {
        let old = self.writers.old(id).filter(|_| self.rng.chance(300));
        if let Some(old) = old {
            self.note(Fault::RequestToOld);
            return self.give_or_wait(old, Input::Request(request));
        }
        if let Some(current) = self.writers.current(id) {
            self.give_or_wait(current, Input::Request(request));
        }
    }

    /// An answer leaves for a client.
    pub(crate) fn carry_answer(&mut self, ticket: u64, answer: Answer) {
        let delay = self.delay(self.plan.request_delay);
        self.agenda.plan_in(delay, Event::Answer { ticket, answer });
    }
}

//! A log without room: what was not begun is turned away, and what is durable can still be read.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/full.rs` and `waits.rs`; planted `undurable-shown`.

use super::Partition;
use super::close::EVICT_STEPS;
use crate::interface::{Answer, Effect, Failure, Notice};
use crate::run::Served;

impl Partition {
    /// The log has no room, for the first time since it had. Reads whose answers wait for it are answered anew, from what is
    /// durable; calls and commands that were not begun are turned away.
    pub(super) fn note_full(&mut self, effects: &mut Vec<Effect>) {
        self.notices.push(Notice::LogFull);
        let reads = self.log.withdraw_reads().into_iter().chain(self.batch.withdraw_reads());
        reads.for_each(|request| self.work.put_back_request(request));
        let requests = self.work.turn_requests_away(self.log.is_serving());
        let commands = self.work.turn_commands_away();
        let parked = self.entities.parked_mut().turn_away().map(|command| command.ticket);
        let tickets = requests.into_iter().chain(commands).chain(parked);
        effects.extend(tickets.map(|ticket| Effect::Answer { ticket, answer: Answer::Failed(Failure::Full) }));
    }

    /// Answers what has come while the log has no room, as far as memory allows for answers that wait to leave.
    pub(super) fn serve_durable(&mut self, effects: &mut Vec<Effect>) {
        let (mut answered, mut bytes) = (Vec::new(), self.log.answers_bytes());
        while bytes < self.scope.tuning().answers_bytes_max {
            let Some(request) = self.work.pop_request() else { break };
            match self.handling().serve_durable(request, effects) {
                Served::Waits => {}
                Served::Turned(request, failure) => {
                    effects.push(Effect::Answer { ticket: request.ticket, answer: Answer::Failed(failure) });
                }
                Served::Answered(request, answer) => {
                    bytes += answer.bytes();
                    answered.push((request, answer));
                }
            }
        }
        self.log.hold_durable_reads(answered, effects);
        // No batch closes meanwhile, which is when entities are evicted else.
        let (budget, stored) = (self.scope.tuning().cache_bytes, self.checkpoints.dirty().stored());
        self.entities.evict_to_budget(budget, stored, EVICT_STEPS);
    }
}

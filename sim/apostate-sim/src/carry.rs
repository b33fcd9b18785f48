//! Carries out what partitions want: appends, loads, checkpoints, frames, answers.

use apostate_log::{AppendResult, Confirmation, Position, StoreError};
use apostate_partition::{Checkpoint, Effect, Failure, Input, Load, Notice, Outage, StopReason, Uptime, load};
use apostate_world::{Moment, SECOND};
use bytes::Bytes;

use crate::broken::{Broken, Check, demand};
use crate::check::leaving;
use crate::engine::{GONE_ON, Landing, gone, lock};
use crate::fault::Fault;
use crate::host::{SeatId, uptime};
use crate::world::{Event, Fate, News, Ticket, World};
use apostate_log::PartitionId;

/// Turns in a row that a partition may ask for at once, without anything new.
const SPINS_MAX: u32 = 500;

/// What a store says that was told to fail.
const LOAD_FAILED: &str = "it failed on purpose";
const CHECKPOINT_FAILED: &str = "the store failed on purpose";

impl World {
    /// A partition works, and what it wants is carried out.
    pub(crate) fn turn(&mut self, id: SeatId) -> Check {
        let now = self.agenda.now();
        let Some(seat) = self.seats.all.get_mut(&id) else { return Ok(()) };
        let clock = self.places[seat.place].clock(now);
        let mut effects = seat.running.begin_turn(now, clock);
        let mut result = Ok(());
        for effect in effects.drain(..) {
            self.trace.effect(now, id, &effect);
            result = self.carry_out(id, effect);
            if result.is_err() || !self.seats.all.contains_key(&id) {
                break;
            }
        }
        if let Some(seat) = self.seats.all.get_mut(&id) {
            seat.running.end_turn(effects);
        }
        result
    }

    fn carry_out(&mut self, id: SeatId, effect: Effect) -> Check {
        let Some(seat) = self.seats.all.get(&id) else { return Ok(()) };
        let (own, place, is_old) = (seat.id, seat.place, seat.is_old);
        match effect {
            Effect::Append { at, record } => self.append(id, own, at, record),
            Effect::Confirm { ticket } => {
                let delay = self.delay(self.plan.append_delay);
                self.agenda.plan_in(delay, Event::Confirm { seat: id, ticket });
            }
            Effect::Frame { to, bytes } => {
                if !self.is_damaged {
                    leaving::frame(self.shadows.get(own), &bytes)?;
                }
                self.carry_frame(own, to, bytes);
            }
            Effect::Answer { ticket, answer } => {
                let Some((waiting, to)) = self.tickets.get(&ticket) else {
                    return Err(Broken::new("answers", format!("request {ticket} is answered twice: {answer:?}")));
                };
                if !self.is_damaged {
                    leaving::answer(self.shadows.get(own), to, &answer)?;
                    if let Ticket::Command(decision) = waiting.clone() {
                        self.check_decided(own, &decision, &answer)?;
                    }
                }
                self.carry_answer(ticket, answer);
            }
            Effect::Load(load) => {
                let is_slow = self.is_struck(self.plan.store_rate);
                if is_slow {
                    self.note(if is_page(&load) { Fault::PageSlow } else { Fault::LoadSlow });
                }
                let delay = self.delay(if is_slow { SECOND } else { self.plan.store_delay });
                self.agenda.plan_in(delay, Event::Load { seat: id, load });
            }
            Effect::Checkpoint(checkpoint) => {
                let is_slow = self.is_struck(self.plan.store_rate);
                if is_slow {
                    self.note(Fault::CheckpointSlow);
                }
                let delay = self.delay(if is_slow { 3 * SECOND } else { self.plan.store_delay });
                self.agenda.plan_in(delay, Event::Checkpoint { seat: id, checkpoint });
            }
            Effect::CheckpointDone { ticket } => self.checkpoint_done(id, ticket)?,
            Effect::Trim { before } => {
                // Also when all is healed: it does no harm, and leaves a log that begins before its store ends.
                if self.rng.chance(100) {
                    self.note(Fault::TrimIgnored);
                } else if !is_old {
                    lock(self.disk(own)).trim(before);
                }
            }
            Effect::WakeAt(at) => self.wake(id, at)?,
            Effect::Notice(notice) => match notice {
                Notice::Panicked { .. } => self.note(Fault::Panicked),
                Notice::Parked { .. } => self.note(Fault::Parked),
                _ => {}
            },
            Effect::Span(span) => {
                if !self.is_damaged {
                    self.span(&span)?;
                }
            }
            Effect::Stopped(reason) => self.stopped(id, own, place, &reason)?,
        }
        Ok(())
    }

    fn wake(&mut self, id: SeatId, at: Uptime) -> Check {
        let wait = at.0.saturating_sub(uptime(self.agenda.now()).0) * 1000;
        let Some(seat) = self.seats.all.get_mut(&id) else { return Ok(()) };
        seat.spins = if wait == 0 { seat.spins + 1 } else { 0 };
        demand!(seat.spins < SPINS_MAX, "liveness", "partition {} wants a turn at once, again and again", seat.id);
        let at = self.agenda.now() + wait.max(1000);
        if seat.running.wake_at(at) {
            self.agenda.plan_at(at, Event::Turn(id));
        }
        Ok(())
    }

    fn stopped(&mut self, id: SeatId, own: PartitionId, place: usize, reason: &StopReason) -> Check {
        if self.is_damaged {
            self.noticed = Some(reason.to_string());
            self.seats.remove(id);
            return Ok(());
        }
        let was_serving = self.seats.all.get(&id).is_some_and(|seat| seat.has_served);
        match reason {
            StopReason::Broken { invariant, .. } => {
                return Err(Broken::new(invariant.name(), format!("partition {own} stopped: {reason}")));
            }
            StopReason::Damaged(_) => return Err(Broken::new("P6", format!("partition {own} stopped: {reason}"))),
            StopReason::Fenced { .. } | StopReason::Overtaken => {
                self.note(if was_serving { Fault::Retired } else { Fault::OpeningLost });
            }
            StopReason::Failed(outage) => {
                let is_known = match outage {
                    Outage::Log(text) => text.ends_with(GONE_ON),
                    Outage::Checkpoint(text) => text == CHECKPOINT_FAILED,
                    Outage::Load { error: StoreError::Io { detail }, .. } => detail == LOAD_FAILED,
                    Outage::Load { .. } => false,
                };
                demand!(is_known, "P6", "partition {own} stopped: {reason}");
            }
        }
        let is_current = self.seats.current(own) == Some(id);
        self.seats.remove(id);
        if is_current {
            let delay = self.delay(SECOND);
            self.agenda.plan_in(delay, Event::Reopen { place });
        }
        Ok(())
    }

    fn append(&mut self, id: SeatId, own: PartitionId, at: Position, record: Bytes) {
        let usual = self.delay(self.plan.append_delay);
        let mut delay = usual;
        let mut fate = Fate::Well;
        if self.is_struck(self.plan.append_rate) {
            match self.rng.below(4) {
                0 => {
                    self.note(Fault::AppendSlow);
                    delay += self.rng.below(SECOND);
                }
                1 => {
                    self.note(Fault::AppendUnknownWritten);
                    fate = Fate::Unknown;
                }
                2 => {
                    self.note(Fault::AppendUnknownLost);
                    return self.answer_append(id, at, AppendResult::Unknown);
                }
                _ => {
                    self.note(Fault::AppendUnknownLate);
                    self.answer_append(id, at, AppendResult::Unknown);
                    let late = usual + self.rng.below(SECOND);
                    self.agenda.plan_in(late, Event::Land { seat: id, id: own, at, record, fate: Fate::Late });
                    return;
                }
            }
        }
        let now = self.agenda.now();
        let Some(seat) = self.seats.all.get_mut(&id) else { return };
        let lands = seat.running.lands_at(now + delay);
        self.agenda.plan_at(lands, Event::Land { seat: id, id: own, at, record, fate });
    }

    /// The log answers an append, after those before it.
    fn answer_append(&mut self, id: SeatId, at: Position, result: AppendResult) {
        let delay = self.delay(self.plan.append_delay);
        let now = self.agenda.now();
        let Some(seat) = self.seats.all.get_mut(&id) else { return };
        let landed = seat.running.last_landing();
        let answered = seat.running.answered_at(landed.max(now + delay));
        self.agenda.plan_at(answered, Event::Tell { seat: id, news: News::Appended(at, result) });
    }

    /// An append reaches the log.
    pub(crate) fn land(&mut self, id: SeatId, own: PartitionId, at: Position, record: Bytes, fate: Fate) -> Check {
        let is_alive = self.seats.all.contains_key(&id);
        if !is_alive && self.plan.is_embedded {
            // It died with its process.
            return Ok(());
        }
        if self.full[own.0 as usize - 1] {
            self.answer_append(id, at, AppendResult::Full);
            return Ok(());
        }
        let before = lock(self.disk(own)).last();
        let landing = lock(self.disk(own)).land(id, at, record);
        let is_new = lock(self.disk(own)).last() > before;
        if is_new && self.seats.current(own).is_some_and(|current| current != id) {
            self.note(Fault::LateRecord);
        }
        if !self.plan.is_embedded {
            let last = lock(self.disk(own)).last();
            self.sync(own, last)?;
        }
        let result = match (fate, landing) {
            (Fate::Late, _) => return Ok(()),
            (Fate::Unknown, _) => AppendResult::Unknown,
            (Fate::Well, Landing::Landed) => AppendResult::Ok,
            (Fate::Well, Landing::Taken(other)) => AppendResult::Taken(other),
            (Fate::Well, Landing::Gone) => gone(at),
            (Fate::Well, Landing::Gap) if self.rng.chance(500) => AppendResult::Full,
            (Fate::Well, Landing::Gap) => AppendResult::Unknown,
        };
        self.answer_append(id, at, result);
        Ok(())
    }

    pub(crate) fn confirm(&mut self, id: SeatId, ticket: u64) {
        let Some(seat) = self.seats.all.get(&id) else { return };
        let is_writer = lock(self.disk(seat.id)).is_writer(id);
        let answer = if is_writer { Confirmation::Yes(ticket) } else { Confirmation::No(ticket) };
        let delay = self.delay(self.plan.append_delay);
        self.agenda.plan_in(delay, Event::Tell { seat: id, news: News::Confirmed(answer) });
    }

    pub(crate) fn load(&mut self, id: SeatId, wanted: Load) {
        let is_page = is_page(&wanted);
        let has_failed = self.is_struck(self.plan.store_rate / if is_page { 4 } else { 100 });
        let Some(seat) = self.seats.all.get(&id) else { return };
        let mut loaded = load(&seat.store, wanted);
        if has_failed {
            loaded.cells = Err(StoreError::Io { detail: LOAD_FAILED.to_owned() });
            self.note(if is_page { Fault::PageFailed } else { Fault::LoadFailed });
        }
        let delay = self.delay(self.plan.store_delay);
        self.agenda.plan_in(delay, Event::Tell { seat: id, news: News::Loaded(loaded) });
    }

    pub(crate) fn checkpoint(&mut self, id: SeatId, checkpoint: Checkpoint) -> Check {
        let Some(seat) = self.seats.all.get(&id) else { return Ok(()) };
        let (own, place, is_old, store) = (seat.id, seat.place, seat.is_old, seat.store.clone());
        let position = checkpoint.position;
        let news = if !is_old && std::mem::take(&mut self.places[place].fails_checkpoint) {
            self.note(Fault::CheckpointFailed);
            News::CheckpointFailed(CHECKPOINT_FAILED.to_owned())
        } else {
            demand!(
                self.is_damaged || position <= lock(self.disk(own)).synced(),
                "P6",
                "a checkpoint of record {position}, not durable"
            );
            checkpoint.write(&store, &[]).map_err(|error| Broken::new("P6", error.to_string()))?;
            if !is_old && !self.is_damaged {
                self.followers[own.0 as usize - 1].check(&store, position)?;
            }
            News::Checkpointed(position)
        };
        let delay: Moment = self.delay(self.plan.store_delay);
        self.agenda.plan_in(delay, Event::Tell { seat: id, news });
        Ok(())
    }

    /// A partition is told something.
    pub(crate) fn tell(&mut self, id: SeatId, news: News) -> Check {
        let Some(seat) = self.seats.all.get_mut(&id) else { return Ok(()) };
        let own = seat.id;
        let input = match news {
            News::Appended(at, result) => {
                if result == AppendResult::Ok {
                    self.sync(own, at)?;
                }
                Input::Appended(at, result)
            }
            News::Confirmed(confirmation) => Input::Confirmed(confirmation),
            News::Loaded(loaded) => Input::Loaded(loaded),
            News::Checkpointed(position) => Input::Checkpointed(position),
            News::CheckpointFailed(reason) => Input::CheckpointFailed(reason),
        };
        self.give(id, input);
        if let Some(seat) = self.seats.all.get_mut(&id) {
            seat.has_served |= seat.running.status().is_serving;
        }
        Ok(())
    }
}

/// Whether a load reads back messages that memory had no room for.
fn is_page(load: &Load) -> bool {
    matches!(load, Load::Outgoing { .. } | Load::Inbox { .. } | Load::Parked { .. })
}

/// Whether an answer says that the request was certainly not done and may be sent again.
pub(crate) fn is_try_again(failure: &Failure) -> bool {
    matches!(failure, Failure::Busy | Failure::Full | Failure::Late)
}

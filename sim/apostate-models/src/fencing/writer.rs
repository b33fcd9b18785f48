//! Steps of a writer: reads, opens, appends, asks again, retires.

use super::model::Fencing;
use super::world::{Acknowledged, Append, ClientRead, Content, Flight, Phase, Record, World, Writer};
use super::wrong::Wrong;

/// Appends under way at once.
const WINDOW: usize = 2;

impl Writer {
    /// Whether it takes work in.
    pub(super) fn accepts(&self, rules: &Fencing) -> bool {
        let is_open =
            self.phase == Phase::Serving || (self.phase == Phase::Opening && rules.is(Wrong::ServesBeforeOpened));
        is_open && self.flights.len() < WINDOW
    }

    /// Drops everything and never continues.
    fn stop(&mut self, phase: Phase) {
        self.phase = phase;
        self.flights.clear();
        self.client_read = None;
    }
}

impl Fencing {
    /// Reads the log and appends the record that says who writes from here on.
    pub(super) fn read(&self, world: &mut World, at: u8, missed: u8) {
        let seen = world.log.len().saturating_sub(usize::from(missed));
        let view = world.log[..seen].to_vec();
        let writer = &mut world.writers[usize::from(at)];
        writer.openings += 1;
        writer.epoch = view.last().map_or(0, |record| record.epoch) + 1;
        writer.view = view;
        if self.is(Wrong::NoOpeningRecord) {
            writer.phase = Phase::Serving;
        } else {
            writer.phase = Phase::Opening;
            self.append(world, at, Content::Opening);
        }
    }

    fn append(&self, world: &mut World, at: u8, content: Content) {
        let writer = &mut world.writers[usize::from(at)];
        let rng = if self.is(Wrong::OpeningsAlike) { 0 } else { at * self.openings + writer.openings };
        let previous = Record::hash_of(writer.last());
        let record = Record { epoch: writer.epoch, rng, made: 0, content, previous };
        let append = Append { at: (writer.view.len() + writer.flights.len()) as u8, record };
        writer.flights.push(Flight { is_asked: true, append });
        world.wires.insert(append);
    }

    /// A client's request.
    pub(super) fn request(&self, world: &mut World, at: u8, request: u8) {
        self.append(world, at, Content::Request(request));
        if self.is(Wrong::AcknowledgedWhenAsked) {
            let epoch = world.writers[usize::from(at)].epoch;
            world.acknowledged.insert(Acknowledged { request, epoch });
        }
    }

    /// The log tells what stands at the position of the oldest append.
    pub(super) fn answered(&self, world: &mut World, at: u8) {
        let World { log, writers, acknowledged, .. } = world;
        let writer = &mut writers[usize::from(at)];
        let Some(Flight { append, .. }) = writer.flights.first().copied() else { return };
        let found = log[usize::from(append.at)];
        if found == append.record || self.is(Wrong::FencingOff) {
            writer.flights.remove(0);
            writer.view.push(append.record);
            match append.record.content {
                Content::Opening => writer.phase = Phase::Serving,
                Content::Request(request) => {
                    acknowledged.insert(Acknowledged { request, epoch: writer.epoch });
                }
            }
        } else if writer.phase == Phase::Opening && !self.is(Wrong::LateAppendIsCorruption) {
            // Somebody was faster, or an append came late. Nothing was served: read again.
            writer.stop(Phase::Closed);
        } else if found.epoch > writer.epoch {
            if self.is(Wrong::GoesOnWhenFenced) {
                writer.view = log.clone();
                writer.flights.clear();
            } else {
                writer.stop(Phase::Retired);
            }
        } else {
            writer.stop(Phase::Broken);
        }
    }

    /// The log does not tell.
    pub(super) fn unknown(&self, world: &mut World, at: u8) {
        let World { log, writers, denied, .. } = world;
        let writer = &mut writers[usize::from(at)];
        for flight in &mut writer.flights {
            flight.is_asked = false;
        }
        let Some(Flight { append, .. }) = writer.flights.first().copied() else { return };
        if self.is(Wrong::ResolvedByReading) && log.len() <= usize::from(append.at) && writer.phase == Phase::Serving {
            for flight in writer.flights.drain(..) {
                if let Content::Request(request) = flight.append.record.content {
                    denied.insert(request);
                }
            }
        }
    }

    /// Asks for the same bytes at the same positions, in order.
    pub(super) fn again(&self, world: &mut World, at: u8) {
        let World { writers, wires, .. } = world;
        let writer = &mut writers[usize::from(at)];
        for flight in &mut writer.flights {
            flight.is_asked = true;
            if self.is(Wrong::AgainWithOtherBytes) {
                flight.append.record.made = 1;
            }
            wires.insert(flight.append);
        }
    }

    /// A client reads the state that the writer works with now.
    pub(super) fn client_read(&self, world: &mut World, at: u8) {
        let World { writers, acknowledged, .. } = world;
        let writer = &mut writers[usize::from(at)];
        let is_stale = !acknowledged.iter().all(|it| writer.knows(it.request));
        writer.client_read = Some(ClientRead { is_stale, is_answered: self.is(Wrong::ReadUnconfirmed) });
    }

    /// The log tells, after the read arrived, whether this writer still is the one.
    pub(super) fn confirm(&self, world: &mut World, at: u8) {
        let World { log, writers, .. } = world;
        let writer = &mut writers[usize::from(at)];
        let is_writer = log.last().is_some_and(|record| record.epoch == writer.epoch);
        writer.client_read =
            writer.client_read.filter(|_| is_writer).map(|read| ClientRead { is_answered: true, ..read });
    }
}

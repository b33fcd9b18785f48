//! Commits what is known of producers: when they were heard, and that those are forgotten who were silent for too long.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/producers.rs`; planted `forgotten-producer-taken`, `producer-forgotten`.

use apostate_core::EntityKey;

use super::Partition;
use crate::cells::cell::PartitionRow;
use crate::cells::record_body::RecordKind;
use crate::interface::Effect;
use crate::planted::{self, Bug};
use crate::range::Range;
use crate::rectangles::{Area, Change, Origin};

impl Partition {
    /// Raises the watermarks of producers of whom anything was handled, as cells of the record, and notes that they were heard.
    pub(super) fn write_producers(&mut self, change: &mut Change) {
        let area = Area { source: Range::WHOLE, target: self.scope.range() };
        let (now, tuning) = (self.time.now(), *self.scope.tuning());
        let rectangles = self.delivery.rectangles_mut();
        let heard = self.work.producers_mut().take_highs(now, &tuning, |producer, high| {
            let origin = Origin::Producer(producer.clone());
            if let Some(number) = high {
                rectangles.raise(&origin, area, number, change);
            }
            rectangles.has(&origin)
        });
        if planted::is(Bug::ProducerForgotten) {
            change.set.retain(|(origin, ..)| !matches!(origin, Origin::Producer(_)));
            return;
        }
        for producer in heard {
            self.put_row(&PartitionRow::Heard(producer), &now.0.to_le_bytes());
        }
    }

    /// Forgets producers that were silent for too long, between two batches.
    pub(super) fn forget_producers(&mut self, effects: &mut Vec<Effect>) {
        let (now, tuning) = (self.time.now(), *self.scope.tuning());
        if !self.work.producers().known().is_due(now, &tuning) || !self.has_room() {
            return;
        }
        assert!(self.batch.is_empty(), "E1 broken: producers are forgotten in the middle of a batch");
        let silent = self.work.producers_mut().take_silent(now, &tuning);
        let mut change = Change::default();
        for producer in &silent {
            self.delivery.rectangles_mut().forget(&Origin::Producer(producer.clone()), &mut change);
            self.erase_row(&PartitionRow::Heard(producer.clone()));
        }
        self.write_rectangles(change);
        if !silent.is_empty() {
            let forgotten = self.work.producers().known().forgotten_row();
            self.put_row(&PartitionRow::ForgottenProducers, &forgotten);
        }
        for (producer, heard) in self.work.producers_mut().known_mut().take_unwritten() {
            self.put_row(&PartitionRow::Heard(producer), &heard.0.to_le_bytes());
        }
        if !self.batch.record().is_empty() {
            self.append(RecordKind::Batch, effects);
        }
    }

    /// Notes which producers were read back, now that all are: an older build wrote no times.
    pub(super) fn note_known_producers(&mut self) {
        let producers = self.delivery.rectangles().iter().filter_map(|(origin, ..)| name_of(origin));
        self.work.producers_mut().known_mut().end_opening(producers, self.time.now());
    }

    /// Recounts what is known of producers.
    pub(super) fn check_known_producers(&self) {
        let rectangles = self.delivery.rectangles();
        let has_watermark = |name: &EntityKey| rectangles.has(&Origin::Producer(name.clone()));
        self.work.producers().known().check(has_watermark);
    }
}

fn name_of(origin: &Origin) -> Option<&EntityKey> {
    match origin {
        Origin::Producer(name) => Some(name),
        Origin::Partition(_) => None,
    }
}

//! The frame of every step: one partition takes something in, and outputs whose record is durable leave it.

use std::sync::Arc;

use apostate_log::PartitionId;

use super::model::Delivery;
use super::world::{Frame, Partition, Word, World};

impl Delivery {
    /// One step of the partition `id`.
    pub(super) fn touch(&self, world: &mut World, id: PartitionId, step: impl FnOnce(&mut Partition)) {
        let Some(partition) = world.find_mut(id) else { return };
        step(partition);
        if !self.scenario.pipeline {
            partition.commit();
        }
        let mut out = Vec::new();
        self.leave(partition, &mut out);
        world.network.extend(out);
    }

    /// The log has everything that the partition did.
    pub(super) fn commit(&self, world: &mut World, id: PartitionId) {
        self.touch(world, id, Partition::commit);
    }

    /// A receiver asks a sender, or what it takes for one, for a new session.
    pub(super) fn open(&self, world: &mut World, receiver: PartitionId, sender: PartitionId) {
        let zombies = world.zombies.iter().map(Arc::as_ref);
        let Some(source) = world.serving().chain(zombies).find(|it| it.id == sender).map(|it| it.range) else { return };
        let rng = world.rng.entry((receiver, sender)).or_default();
        rng.0 += 1;
        let nonce = rng.0;
        let Some(partition) = world.find_mut(receiver) else { return };
        let frame = Self::ask(partition, sender, source, nonce);
        world.network.insert(frame);
    }

    /// Lets a frame arrive at the partition that it is for.
    pub(super) fn arrive(&self, world: &mut World, frame: &Frame, is_slow: bool) {
        let answer = world.name_answer(frame);
        self.touch(world, frame.to, |partition| match frame.word {
            Word::Open { nonce, target, .. } => self.answer(partition, frame.from, nonce, target, answer),
            Word::Ready { name } => Self::ready(partition, frame.from, name),
            Word::Ack { name, frame: number } => self.acknowledged(partition, frame.from, name, number),
            Word::Opened { .. } => self.opened(partition, frame),
            Word::Message { .. } => self.take(partition, frame, is_slow),
        });
    }

    /// Lets a frame arrive at a writer that is none any more: it can say what is durable, but commits nothing.
    pub(super) fn arrive_late(&self, world: &mut World, frame: &Frame) {
        let answer = world.name_answer(frame);
        let Some(zombie) = world.zombies.iter_mut().find(|zombie| zombie.id == frame.to) else { return };
        let zombie = Arc::make_mut(zombie);
        match frame.word {
            Word::Open { nonce, target, .. } => self.answer(zombie, frame.from, nonce, target, answer),
            Word::Ready { name } => Self::ready(zombie, frame.from, name),
            Word::Ack { .. } | Word::Opened { .. } | Word::Message { .. } => {}
        }
        let mut out = Vec::new();
        self.leave(zombie, &mut out);
        world.network.extend(out);
    }

    /// Handles the oldest message that waits for the entity at `target`.
    pub(super) fn handle_head(&self, world: &mut World, id: PartitionId, target: u64) {
        self.touch(world, id, |partition| self.handle(partition.edit(), target));
    }
}

impl World {
    /// For a request for a session: what its answer will be called. The next answer to it is a double.
    fn name_answer(&mut self, frame: &Frame) -> u8 {
        let Word::Open { nonce, target, is_answered } = frame.word else { return 0 };
        self.doubles -= u8::from(is_answered);
        self.network.remove(frame);
        self.network.insert(Frame { word: Word::Open { nonce, target, is_answered: true }, ..frame.clone() });
        let rng = self.rng.entry((frame.from, frame.to)).or_default();
        rng.1 += 1;
        rng.1
    }

    /// The process of a partition dies, and starts again from its log.
    pub(super) fn crash(&mut self, id: PartitionId) {
        if let Some(partition) = self.find_mut(id) {
            partition.crash();
            self.crashes -= 1;
        }
    }

    /// A partition is opened elsewhere, and its old writer lives on.
    pub(super) fn depart(&mut self, id: PartitionId) {
        let Some(partition) = self.find_mut(id) else { return };
        let mut zombie = partition.clone();
        partition.crash();
        zombie.working = None;
        zombie.trims.clear();
        zombie.held.clear();
        zombie.intakes.clear();
        self.zombies.push(Arc::new(zombie));
        self.moves -= 1;
    }
}

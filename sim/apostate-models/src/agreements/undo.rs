//! A batch that is given up, and wrong ways to do that: each leaves a part of memory as the batch had made it.

use super::entity::Entity;
use super::model::Agreements;
use super::world::World;
use super::wrong::Wrong;

impl Agreements {
    pub(super) fn undo(&self, world: &mut World, partition: usize) {
        self.coverage.undone.hit();
        let given_up = world.partitions[partition].working.clone();
        world.undo(partition);
        let Some(given_up) = given_up else { return };
        for (at, then) in &given_up.entities {
            let before = world.entity(&self.scenario, *at).clone();
            let mut now = before.clone();
            self.forget_to_undo(&mut now, then);
            if now != before {
                *world.edit(&self.scenario, *at) = now;
            }
        }
    }

    fn forget_to_undo(&self, now: &mut Entity, then: &Entity) {
        match self.wrong {
            Some(Wrong::CountOutsideUndo) => {
                for (agreement, header) in &mut now.undecided {
                    if let Some(counted) = then.undecided.get(agreement) {
                        (header.accepted, header.refused) = (counted.accepted, counted.refused);
                    }
                }
            }
            Some(Wrong::HeaderOutsideUndo) => now.undecided = then.undecided.clone(),
            Some(Wrong::DeadlineOutsideUndo) => now.deadlines = then.deadlines.clone(),
            Some(Wrong::OperationOutsideUndo) => now.open = then.open.clone(),
            _ => {}
        }
    }
}

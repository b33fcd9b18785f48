//! Properties that hold in every state, and situations that occur in some, or the bounds are too narrow to prove anything.

use stateright::Property;

use super::model::Fencing;
use super::world::{Content, Phase, World, Writer};

/// All of them.
pub(super) fn all() -> Vec<Property<Fencing>> {
    vec![
        Property::always("P1: epochs do not descend", |_, world: &World| {
            world.log.is_sorted_by_key(|record| record.epoch)
        }),
        Property::always("P1: an epoch has one writer", |_, world: &World| {
            let mut epochs: Vec<_> = serving(world).map(|writer| writer.epoch).collect();
            epochs.sort_unstable();
            let is_one_in_log =
                world.log.windows(2).all(|two| two[0].epoch != two[1].epoch || two[0].rng == two[1].rng);
            is_one_in_log && epochs.windows(2).all(|two| two[0] != two[1])
        }),
        Property::always("P6: what was acknowledged is in the log", |_, world: &World| {
            world.acknowledged.iter().all(|it| count(world, it.request) > 0)
        }),
        Property::always("P6: what was acknowledged is in the log of the later writer", |_, world: &World| {
            serving(world)
                .all(|writer| world.acknowledged.iter().all(|it| it.epoch >= writer.epoch || writer.knows(it.request)))
        }),
        Property::always("P6: what a writer takes for durable is", |_, world: &World| {
            serving(world).all(|writer| world.log.starts_with(&writer.view))
        }),
        Property::always("a request is in the log at most once", |model, world: &World| {
            (0..model.requests).all(|request| count(world, request) <= 1)
        }),
        Property::always("a request that is said to have failed is not in the log", |_, world: &World| {
            world.denied.iter().all(|request| count(world, *request) == 0)
        }),
        Property::always("a read sees all that was acknowledged before it", |_, world: &World| {
            let mut reads = world.writers.iter().filter_map(|writer| writer.client_read);
            !reads.any(|read| read.is_stale && read.is_answered)
        }),
        Property::always("nobody takes a healthy log for a corrupt one", |_, world: &World| {
            world.writers.iter().all(|writer| writer.phase != Phase::Broken)
        }),
        Property::sometimes("a writer retires", |_, world: &World| {
            world.writers.iter().any(|writer| writer.phase == Phase::Retired)
        }),
        Property::sometimes("an opening writer is overtaken", |_, world: &World| {
            world.writers.iter().any(|writer| writer.phase == Phase::Closed && writer.openings > 0)
        }),
        Property::sometimes("two writers have acknowledged requests", |_, world: &World| {
            let mut epochs = world.acknowledged.iter().map(|it| it.epoch);
            let first = epochs.next();
            epochs.any(|epoch| Some(epoch) != first)
        }),
        Property::sometimes("a fenced writer still believes to serve", |_, world: &World| {
            let last = world.log.last().map_or(0, |record| record.epoch);
            serving(world).any(|writer| writer.epoch < last)
        }),
    ]
}

fn serving(world: &World) -> impl Iterator<Item = &Writer> {
    world.writers.iter().filter(|writer| writer.phase == Phase::Serving)
}

fn count(world: &World, request: u8) -> usize {
    world.log.iter().filter(|record| record.content == Content::Request(request)).count()
}

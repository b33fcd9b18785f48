//! Properties that hold in every state, of what is durable.

use stateright::{Model, Property};

use super::entity::{Decision, Entity, Message, Operation, Outcome, Seen};
use super::model::Agreements;
use super::scenario::Proposal;
use super::world::World;

/// All of them.
pub(super) fn all() -> Vec<Property<Agreements>> {
    vec![
        Property::always("E4: an accepted operation is open or has one ending", |model, world| {
            model.entities(world).all(|(_, entity)| entity.past.operations.iter().all(|it| is_ended_once(entity, it)))
        }),
        Property::always("E4: confirmed if agreed, else cancelled", |model, world| {
            model.entities(world).all(|(_, entity)| {
                entity.past.operations.iter().all(|(operation, seen)| model.is_ended_right(world, *operation, *seen))
            })
        }),
        Property::always("E4: an open operation is undecided, or its ending is under way", |model, world| {
            model.entities(world).all(|(_, entity)| entity.open.values().all(|it| model.is_accounted_for(world, *it)))
        }),
        Property::always("an agreement is decided once, as its policy says", Agreements::decisions_are_right),
        Property::always("an agreement that is decided leaves nothing", |model, world| {
            model.entities(world).all(|(_, entity)| entity.past.decided.keys().all(|it| !has_cells(entity, *it)))
        }),
        Property::always("an agreement that is not decided waits for an answer, and has a deadline", |model, world| {
            model.entities(world).all(|(_, entity)| model.agreements_wait(world, entity))
        }),
        Property::always("the author is told once of each decision, and of nothing else", Agreements::authors_are_told),
        Property::always(
            "the author is told of a confirm that came too late, and of nothing else",
            Agreements::lapses_are_told,
        ),
        Property::always("a timer belongs to an open operation", |model, world| {
            let is_open = |entity: &Entity, it: &Operation| entity.open.values().any(|open| open == it);
            model.entities(world).all(|(_, entity)| entity.lapses.iter().all(|it| is_open(entity, it)))
        }),
        Property::always("a partner neither gains nor loses", Agreements::is_conserved),
        Property::always("when nothing is left to do, nothing is left over", |model, world| {
            !model.is_at_rest(world) || model.is_all_over(world)
        }),
    ]
}

fn is_ended_once(entity: &Entity, (operation, seen): (&Operation, &Seen)) -> bool {
    let open = entity.open.values().filter(|open| *open == operation).count();
    let Seen { accepted, confirmed, cancelled, lapsed } = seen;
    *accepted <= 1 && open + usize::from(confirmed + cancelled + lapsed) == usize::from(*accepted)
}

fn has_cells(entity: &Entity, agreement: u8) -> bool {
    let Entity { undecided, waiting, deadlines, .. } = entity;
    undecided.contains_key(&agreement) || waiting.contains_key(&agreement) || deadlines.contains(&agreement)
}

impl Agreements {
    fn entities<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (u8, &'a Entity)> {
        self.scenario.entities().map(|entity| (entity, world.durable(&self.scenario, entity)))
    }

    fn decision<'a>(&self, world: &'a World, agreement: u8) -> Option<&'a Decision> {
        let proposer = self.scenario.proposal(agreement).proposer;
        world.durable(&self.scenario, proposer).past.decided.get(&agreement)
    }

    fn is_ended_right(&self, world: &World, operation: Operation, seen: Seen) -> bool {
        let decision = self.decision(world, operation.agreement);
        let is_confirmed = decision.is_some_and(|decision| decision.confirmed & (1 << operation.leg) != 0);
        let proposer = world.durable(&self.scenario, self.pair(operation).0);
        let waits = proposer.waiting.get(&operation.agreement);
        let inner = self.inner(operation).map(|inner| self.decision(world, inner));
        let is_inner_agreed = inner.is_none_or(|decision| decision.is_some_and(|it| it.outcome == Outcome::Agreed));
        let has_inner_failed =
            inner.flatten().is_some_and(|decision| matches!(decision.outcome, Outcome::Refused | Outcome::Expired));
        // An agreement that waits has cancelled what was not answered; a try is cancelled when its own agreement fails.
        let is_cancelled = waits.is_some_and(|accepted| accepted & (1 << operation.leg) == 0)
            || (decision.is_some() || has_inner_failed) && !is_confirmed;
        (seen.confirmed == 0 || (is_confirmed && is_inner_agreed)) && (seen.cancelled == 0 || is_cancelled)
    }

    fn is_accounted_for(&self, world: &World, operation: Operation) -> bool {
        let (source, target) = self.pair(operation);
        let Entity { undecided, waiting, .. } = world.durable(&self.scenario, source);
        let at_proposer = undecided.contains_key(&operation.agreement) || waiting.contains_key(&operation.agreement);
        let parked = world.durable(&self.scenario, target).parked.iter();
        let own = world.under_way(&self.scenario, (target, target)).iter();
        let mut endings = world.under_way(&self.scenario, (source, target)).iter().chain(own).chain(parked);
        let is_ending = |it: &Message| matches!(it, Message::Confirm(of) | Message::Cancel(of) if *of == operation);
        at_proposer || endings.any(is_ending)
    }

    fn agreements_wait(&self, world: &World, entity: &Entity) -> bool {
        let is_held = |agreement: &u8| {
            let under = self.scenario.proposal(*agreement).under;
            under.is_none_or(|outer| entity.open.values().any(|open| *open == outer))
        };
        let has_deadline = |agreement: &u8| {
            let Proposal { proposer, has_deadline, .. } = self.scenario.proposal(*agreement);
            let own = world.under_way(&self.scenario, (*proposer, *proposer));
            !has_deadline || entity.deadlines.contains(agreement) || own.contains(&Message::Deadline(*agreement))
        };
        let mut undecided = entity.undecided.iter();
        entity.waiting.keys().all(is_held)
            && undecided.all(|(it, header)| self.judge(*it, header).is_none() && is_held(it) && has_deadline(it))
    }

    fn decisions_are_right(&self, world: &World) -> bool {
        let all = self.entities(world).flat_map(|(_, entity)| &entity.past.decided);
        all.into_iter().all(|(agreement, decision)| {
            let Proposal { partners, at_least, under, .. } = self.scenario.proposal(*agreement);
            let is_confirmed = |outer: Operation| {
                let above = self.decision(world, outer.agreement);
                above.is_some_and(|above| above.confirmed & (1 << outer.leg) != 0)
            };
            let was_accepted = |(leg, partner): (u8, &u8)| {
                let partner = world.durable(&self.scenario, *partner);
                let seen = partner.past.operations.get(&Operation { agreement: *agreement, leg });
                decision.confirmed & (1 << leg) == 0 || seen.is_some_and(|seen| seen.accepted == 1)
            };
            let is_enough = decision.confirmed.count_ones() >= u32::from(*at_least);
            let is_due = if decision.outcome == Outcome::Agreed {
                is_enough && under.is_none_or(is_confirmed)
            } else {
                decision.confirmed == 0
            };
            decision.times == 1 && is_due && (0..).zip(partners).all(was_accepted)
        })
    }

    fn authors_are_told(&self, world: &World) -> bool {
        self.entities(world).all(|(at, entity)| {
            entity.past.proposed.iter().all(|agreement| {
                let then = Message::Then(*agreement);
                let waiting = world.under_way(&self.scenario, (at, at)).iter().chain(&entity.parked);
                let told = entity.past.told.get(agreement).copied().unwrap_or(0);
                let all = waiting.filter(|message| **message == then).count() + usize::from(told);
                let is_outer = self.scenario.proposal(*agreement).under.is_none();
                all == usize::from(is_outer && entity.past.decided.contains_key(agreement))
            })
        })
    }

    fn lapses_are_told(&self, world: &World) -> bool {
        self.entities(world).all(|(at, entity)| {
            entity.past.told_of_lapse.iter().all(|(operation, times)| {
                let is_confirmed = |decision: &Decision| decision.confirmed & (1 << operation.leg) != 0;
                let partner = world.durable(&self.scenario, self.pair(*operation).1);
                let has_lapsed = partner.past.operations.get(operation).is_some_and(|seen| seen.lapsed == 1);
                let decision = entity.past.decided.get(&operation.agreement);
                at == self.pair(*operation).0 && *times == 1 && has_lapsed && decision.is_some_and(is_confirmed)
            })
        })
    }

    fn is_conserved(&self, world: &World) -> bool {
        self.entities(world).all(|(at, entity)| {
            let Entity { on_hand, held, sold, open, past, .. } = entity;
            let total = on_hand + held + sold + past.written_off.unwrap_or(0);
            let is_held = usize::try_from(*held) == Ok(open.len());
            is_held && *on_hand >= 0 && *sold >= 0 && total == self.scenario.on_hand[usize::from(at)]
        })
    }

    /// Whether nothing happens any more that has to happen.
    fn is_at_rest(&self, world: &World) -> bool {
        let mut actions = Vec::new();
        self.actions(world, &mut actions);
        actions.iter().all(|action| action.is_optional())
    }

    fn is_all_over(&self, world: &World) -> bool {
        let is_empty = world.partitions.iter().all(|partition| partition.durable.outbox.is_empty());
        let mut entities = self.entities(world);
        is_empty
            && entities.all(|(_, entity)| {
                let Entity { undecided, waiting, deadlines, open, lapses, parked, past, .. } = entity;
                let is_decided = past.proposed.iter().all(|agreement| past.decided.contains_key(agreement));
                let is_kept =
                    past.decided.iter().all(|(agreement, decision)| self.is_kept(world, *agreement, *decision));
                let is_quiet = undecided.is_empty()
                    && waiting.is_empty()
                    && deadlines.is_empty()
                    && open.is_empty()
                    && parked.is_empty()
                    && lapses.is_empty();
                is_quiet && is_decided && is_kept
            })
    }

    /// Whether every leg that was to be confirmed is, or has lapsed and the author was told.
    fn is_kept(&self, world: &World, agreement: u8, decision: Decision) -> bool {
        let partners = &self.scenario.proposal(agreement).partners;
        (0..).zip(partners).filter(|(leg, _)| decision.confirmed & (1 << leg) != 0).all(|(leg, partner)| {
            let operation = Operation { agreement, leg };
            let proposer = world.durable(&self.scenario, self.pair(operation).0);
            let seen = world.durable(&self.scenario, *partner).past.operations.get(&operation);
            let told = proposer.past.told_of_lapse.get(&operation).copied().unwrap_or(0);
            seen.is_some_and(|seen| seen.confirmed == 1 || (seen.lapsed == 1 && told == 1))
        })
    }
}

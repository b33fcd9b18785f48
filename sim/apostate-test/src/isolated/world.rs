//! The isolated world itself: what is in it, what happens next, and what a test asks of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use apostate_core::{Address, KindId, Registry};
use apostate_world::{Agenda, Moment, Rng, SECOND};
use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use crate::call::{Answer, TestRequest};
use crate::faults::Faults;
use crate::finding::{Check, Finding};
use crate::names::Names;
use crate::plan::Plan;
use crate::simulation::{AskKind, Simulation, Stored};
use crate::trace::{Mark, Trace};
use crate::twins::Twins;

use super::node::{Ask, AskId, Deadline, Lane, LaneId, Node, NodeId};

/// Most messages after the last fault before a world counts as restless.
const MESSAGES_TO_REST_MAX: u64 = 1_000_000;

/// How long faults go on when the world settles, at most.
const FAULTS_TIME: Moment = 30 * SECOND;

/// Something that will happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The oldest message of a lane arrives.
    Deliver(LaneId),
    /// A late copy of a message arrives.
    Copy(LaneId, u64),
    /// A request from outside arrives.
    Ask(AskId),
    /// An inbox goes on.
    Inbox(NodeId),
}

/// The world.
pub(crate) struct IsolatedWorld {
    pub(super) names: Names,
    pub(super) agenda: Agenda<Event>,
    pub(super) rng: Rng,
    /// Faults and delays, while there are faults.
    pub(super) plan: Plan,
    pub(super) is_healed: bool,
    pub(super) nodes: Vec<Node>,
    pub(super) index: HashTable<NodeId>,
    pub(super) lanes: Vec<Lane>,
    pub(super) lane_of: FxHashMap<(NodeId, NodeId), LaneId>,
    /// When the next timer of each node is due.
    pub(super) alarms: BTreeSet<(Moment, NodeId)>,
    /// No timer that is due later falls due.
    pub(super) alarms_until: Moment,
    pub(super) asks: Vec<Ask>,
    /// Deadlines of what is open, or was: when, at which node, and what for.
    pub(super) deadlines: BTreeSet<(Moment, NodeId, Deadline)>,
    pub(super) twins: Twins,
    pub(super) trace: Trace,
    /// In the second run of a seed: the marks of the first.
    pub(super) expected: Option<Vec<Mark>>,
    pub(super) parked: Vec<String>,
    pub(super) faults: Faults,
    pub(super) messages: u64,
}

impl IsolatedWorld {
    pub(crate) fn new(registry: Arc<Registry>, rng: &mut Rng, expected: Option<Vec<Mark>>) -> Self {
        Self {
            names: Names(registry),
            agenda: Agenda::default(),
            plan: Plan::draw(rng),
            rng: rng.clone(),
            is_healed: false,
            nodes: Vec::new(),
            index: HashTable::new(),
            lanes: Vec::new(),
            lane_of: FxHashMap::default(),
            alarms: BTreeSet::new(),
            alarms_until: Moment::MAX,
            asks: Vec::new(),
            deadlines: BTreeSet::new(),
            twins: Twins::default(),
            trace: Trace::default(),
            expected,
            parked: Vec::new(),
            faults: Faults::default(),
            messages: 0,
        }
    }

    /// The node of an entity, made if it has none.
    pub(super) fn node_of(&mut self, address: &Address) -> Check<NodeId> {
        let nodes = &mut self.nodes;
        if let Some(found) = self.index.find(address.hash(), |id| nodes[*id as usize].address == *address) {
            return Ok(*found);
        }
        let Some(kind) = self.names.0.find(address.kind()) else {
            let known: Vec<_> = self.names.0.kinds().iter().map(|kind| kind.name).collect();
            return Err(Finding::Unknown(format!(
                "a message goes to an entity {:?} of a kind that this world does not have; it has {}: add the kind to \
                 `.entities::<(…)>()`",
                address.key(),
                known.join(", ")
            )));
        };
        let id = nodes.len() as NodeId;
        let clock_off = self.rng.below(self.plan.skew / 1000 + 1);
        nodes.push(Node::new(address.clone(), kind, clock_off));
        self.index.insert_unique(address.hash(), id, |id| nodes[*id as usize].address.hash());
        Ok(id)
    }

    /// How long something takes to a node.
    pub(super) fn delay(&mut self, to: NodeId) -> Moment {
        let hash = self.nodes[to as usize].address.hash();
        self.plan.delay(&mut self.rng, hash)
    }

    /// Whether something goes wrong that goes wrong `rate` times in a thousand.
    pub(super) fn has_fault(&mut self, rate: impl Fn(&Plan) -> u64) -> bool {
        let rate = rate(&self.plan);
        // Where nothing can go wrong, nothing is drawn.
        !self.is_healed && rate > 0 && self.rng.chance(rate)
    }

    /// Lets the next thing happen. False: there is none.
    fn happen(&mut self) -> Check<bool> {
        let Some(next) = self.next_moment() else { return Ok(false) };
        if self.first_deadline().is_some_and(|deadline| deadline <= next) {
            self.expire()?;
            return Ok(true);
        }
        if let Some((moment, node)) = self.next_alarm() {
            self.agenda.wait_until(moment);
            self.fire(node)?;
            return Ok(true);
        }
        let Some(event) = self.agenda.pop() else { return Ok(false) };
        match event {
            Event::Deliver(lane) => self.deliver(lane)?,
            Event::Copy(lane, number) => self.copy(lane, number)?,
            Event::Ask(ask) => self.arrive(ask)?,
            Event::Inbox(node) => self.inbox(node)?,
        }
        Ok(true)
    }

    /// Invariant E4: where nothing is on its way, every agreement is decided and every operation has ended; unless its ending is parked.
    fn check_ended(&self) -> Check {
        let is_open = |node: &&Node| !node.agreements.is_empty() || !node.operations.is_empty();
        match self.nodes.iter().find(is_open).filter(|_| self.parked.is_empty()) {
            None => Ok(()),
            Some(node) => {
                let entity = self.names.entity(&node.address);
                let Node { agreements, operations, .. } = node;
                Err(Finding::Platform(format!("E4 broken: {entity} has {agreements:?} and holds {operations:?}")))
            }
        }
    }

    /// When the next thing happens.
    fn next_moment(&self) -> Option<Moment> {
        self.next_alarm().map_or_else(|| self.agenda.next_moment(), |(moment, _)| Some(moment))
    }

    /// Compares what took effect with the first run of the seed.
    pub(super) fn mark(&mut self, mark: Mark, node: NodeId, handler: &str) -> Check {
        let at = self.trace.marks.len();
        self.trace.marks.push(mark);
        self.messages += 1;
        let Some(expected) = &self.expected else { return Ok(()) };
        let first = expected.get(at);
        if first == Some(&mark) {
            return Ok(());
        }
        let entity = self.names.entity(&self.nodes[node as usize].address);
        if first.is_some_and(|first| first.input == mark.input) {
            let how = format!("after {at} messages that were the same, it did something else in the second run");
            return Err(Finding::HandlerDiffers { entity, handler: handler.to_owned(), how });
        }
        Err(Finding::TestDiffers(format!("message {at} is `{handler}` for {entity} now, and was not before")))
    }
}

impl Simulation for IsolatedWorld {
    fn ask(&mut self, request: TestRequest, ask_kind: AskKind) -> Check<Answer> {
        let ask = self.plan_ask(request, ask_kind)?;
        loop {
            if let Some(answer) = self.asks[ask as usize].answer.take() {
                return Ok(answer);
            }
            if self.happen()? {
                continue;
            }
            // Nothing is on its way: it waits until the time of somebody's answer is over.
            if self.first_deadline().is_none() {
                return Err(Finding::Platform("a client waits, and nothing will ever happen".to_owned()));
            }
            self.expire()?;
        }
    }

    fn send(&mut self, request: TestRequest) -> Check {
        self.plan_ask(request, AskKind::Send)?;
        Ok(())
    }

    fn settle(&mut self) -> Check {
        let end = self.agenda.now() + self.rng.below(FAULTS_TIME);
        while self.next_moment().is_some_and(|next| next < end) {
            self.happen()?;
        }
        self.is_healed = true;
        self.alarms_until = self.agenda.now();
        let before = self.messages;
        while self.happen()? {
            if self.messages - before > MESSAGES_TO_REST_MAX {
                return Err(Finding::Unsettled { messages: self.messages - before });
            }
        }
        self.is_healed = false;
        self.alarms_until = Moment::MAX;
        self.check_ended()
    }

    fn wait(&mut self, milliseconds: u64) -> Check {
        let end = self.agenda.now().saturating_add(milliseconds.saturating_mul(1000));
        loop {
            let is_before = |moment: Option<Moment>| moment.is_some_and(|moment| moment < end);
            if is_before(self.next_moment()) {
                self.happen()?;
            } else if is_before(self.first_deadline()) {
                self.expire()?;
            } else {
                break;
            }
        }
        self.agenda.wait_until(end);
        Ok(())
    }

    fn all(&mut self, kind: KindId) -> Check<Vec<Stored>> {
        let of_kind = self.nodes.iter().filter(|node| node.address.kind() == kind);
        let mut all: Vec<_> = of_kind
            .filter_map(|node| Some((node.address.clone(), node.committed.state.as_deref()?.to_vec())))
            .collect();
        all.sort_by(|(one, _), (two, _)| one.key().cmp(two.key()));
        Ok(all)
    }

    fn one(&mut self, address: &Address) -> Check<Option<Vec<u8>>> {
        let id = self.node_of(address)?;
        Ok(self.nodes[id as usize].committed.state.as_deref().map(<[u8]>::to_vec))
    }

    fn parked(&self) -> &[String] {
        &self.parked
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn names(&self) -> &Names {
        &self.names
    }

    fn faults(&self) -> Faults {
        self.faults
    }

    fn messages(&self) -> u64 {
        self.messages
    }

    fn hashes(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.address.hash()).collect()
    }
}

//! Partitions that end in others: refused, or handed over, or read back from what their parent has left.

use std::sync::Arc;

use apostate_core::{Address, Registry, Timestamp};
use apostate_log::{Log, MemoryLog, MemoryStore, PartitionId, Position, Store};
use apostate_partition::{
    Ancestors, Answer, Config, Effect, HostTime, Input, Map, OpenError, Partition, Request, RequestKind, SplitIntent,
    SplitRefusal, Tuning, Uptime, forget_partition, stored_position,
};
use apostate_world::MemoryDisk;

use crate::letterbox::Letterbox;

const PARENT: PartitionId = PartitionId(1);
const CHILDREN: [PartitionId; 2] = [PartitionId(2), PartitionId(3)];
const CUT: u64 = 1 << 63;
const NOW: HostTime = HostTime { wall: Timestamp(1_700_000_000_000), uptime: Uptime(5_000) };
const SPLIT: SplitIntent = SplitIntent { at: CUT, children: CHILDREN, map_version: 2 };

fn later() -> Map {
    Map::of(2, &[(0, CHILDREN[0]), (CUT, CHILDREN[1])]).expect("a map")
}

fn config(id: PartitionId) -> Config {
    let map = Arc::new(if id == PARENT { Map::first(1) } else { later() });
    let registry = Arc::new(Registry::default().with::<Letterbox>().expect("one kind"));
    let tuning = Tuning { check_every: 1, ..Tuning::default() };
    Config { id, map, registry, tuning, seed: id.0, suspects: Vec::new() }
}

/// A partition, over a log of its own and a store that it shares.
struct Place {
    partition: Partition,
    disk: MemoryDisk,
}

fn disk(id: PartitionId, store: &MemoryStore) -> MemoryDisk {
    MemoryDisk { store: store.clone(), ..MemoryDisk::new(id) }
}

impl Place {
    /// Tells it something, and lets it work until nothing comes of it. What is left is what nobody here does.
    fn tell(&mut self, input: Input) -> Vec<Effect> {
        let (mut inputs, mut left) = (vec![input, Input::Turn], Vec::new());
        while !inputs.is_empty() {
            let mut effects = Vec::new();
            for input in std::mem::take(&mut inputs) {
                self.partition.step(NOW, input, &mut effects);
            }
            for effect in effects {
                match self.disk.carry_out(effect) {
                    Ok(answers) => inputs.extend(answers),
                    Err(effect) => left.push(effect),
                }
            }
            if !inputs.is_empty() {
                inputs.push(Input::Turn);
            }
        }
        left
    }

    /// Opens it, and writes a letter to each of a hundred boxes.
    fn parent() -> Self {
        let store = MemoryStore::new();
        let disk = disk(PARENT, &store);
        let partition = Partition::open(config(PARENT), &store, &disk.log, Box::new(()), &mut |_| {});
        let mut parent = Self { partition: partition.expect("it is new"), disk };
        parent.tell(Input::Open);
        (0..50).for_each(|number| parent.receive(number));
        parent
    }

    fn ask(&mut self, to: Address, call: apostate_core::HandlerId, body: Vec<u8>, kind: RequestKind) -> Answer {
        let request = Request { ticket: 7, ..Request::new(to, call, body, kind) };
        let left = self.tell(Input::Request(request));
        let answer = left.into_iter().find_map(|effect| match effect {
            Effect::Answer { answer, .. } => Some(answer),
            _ => None,
        });
        answer.expect("an answer")
    }

    fn receive(&mut self, number: u64) {
        let call = Letterbox::at(number).receive(number);
        let to = call.to.expect("a key");
        let answer = self.ask(to, call.handler, call.body, RequestKind::Call { key: Some("once".into()) });
        assert!(matches!(answer, Answer::Done { .. }), "{answer:?}");
    }

    /// The letters that a box has.
    fn got(&mut self, number: u64) -> Vec<u64> {
        let call = Letterbox::at(number).got();
        match self.ask(call.to.expect("a key"), call.handler, call.body, RequestKind::Read) {
            Answer::Done { reply, .. } => apostate_core::decode(&reply).expect("letters"),
            other => panic!("{other:?}"),
        }
    }

    fn checkpoint(&mut self) {
        let left = self.tell(Input::RequestCheckpoint { ticket: 9 });
        assert!(left.iter().any(|effect| matches!(effect, Effect::CheckpointDone { ticket: 9 })));
    }

    /// Has it split after a checkpoint, with some letters behind that.
    fn seal(&mut self) {
        self.checkpoint();
        (50..100).for_each(|number| self.receive(number));
        let left = self.tell(Input::Split(SPLIT));
        assert!(left.iter().any(|effect| matches!(effect, Effect::Sealed(seal) if seal.map_version == 2)), "{left:?}");
    }

    /// The child, read back from what its parent has left and from its own log.
    fn read_back(
        id: PartitionId,
        store: &MemoryStore,
        parent: Option<&MemoryLog>,
        own: &MemoryLog,
    ) -> Result<Self, OpenError> {
        let log_of = |id| Some(Box::new(parent.filter(|_| id == PARENT)?.clone()) as Box<dyn Log>);
        let ancestors = Ancestors { parents: &[PARENT], log_of: &log_of };
        let partition = Partition::open_child(config(id), ancestors, (store, own), Box::new(()), &mut |_| {})?;
        Ok(Self { partition, disk: MemoryDisk { log: own.clone(), store: store.clone() } })
    }
}

fn box_is_in(number: u64, child: usize) -> bool {
    later().find(Letterbox::at(number).got().to.expect("a key").hash()) == CHILDREN[child]
}

/// Each box has its letter, and knows that it came under this key.
fn has_all(place: &mut Place, child: usize) {
    for number in (0..100).filter(|number| box_is_in(*number, child)) {
        assert_eq!(place.got(number), [number], "box {number}");
        let call = Letterbox::at(number).receive(number);
        let kind = RequestKind::Call { key: Some("once".into()) };
        let answer = place.ask(call.to.expect("a key"), call.handler, call.body, kind);
        assert!(matches!(answer, Answer::Repeated(_)), "{answer:?}");
    }
}

#[test]
fn a_split_is_refused_that_could_not_be_done_and_the_partition_goes_on() {
    let mut parent = Place::parent();
    let mut refused = |split: SplitIntent| {
        let left = parent.tell(Input::Split(split));
        left.into_iter().find_map(|effect| match effect {
            Effect::SplitRefused(refusal) => Some(refusal),
            _ => None,
        })
    };
    assert_eq!(refused(SPLIT), Some(SplitRefusal::NoCheckpoint));
    assert_eq!(refused(SplitIntent { at: 0, ..SPLIT }), Some(SplitRefusal::EmptyChild));
    assert_eq!(refused(SplitIntent { map_version: 1, ..SPLIT }), Some(SplitRefusal::NotNewer));
    assert_eq!(refused(SplitIntent { children: [PARENT, CHILDREN[0]], ..SPLIT }), Some(SplitRefusal::NotNewer));
    parent.receive(50);
    parent.checkpoint();
    assert!(parent.tell(Input::Split(SPLIT)).iter().any(|effect| matches!(effect, Effect::Sealed(_))));
    let left = parent.tell(Input::Split(SPLIT));
    assert!(left.iter().any(|effect| matches!(effect, Effect::SplitRefused(SplitRefusal::NotServing))));
}

#[test]
fn children_that_are_handed_over_have_all_and_their_own_checkpoint_ends_the_parent() {
    let mut parent = Place::parent();
    parent.seal();
    let Place { partition, disk: left } = parent;
    let configs = CHILDREN.map(|id| (config(id), Box::new(()) as Box<dyn apostate_partition::RunObserver>));
    let children = partition.into_children(configs).expect("the map names them");
    for (child, partition) in children.into_iter().enumerate() {
        let mut place = Place { partition, disk: disk(CHILDREN[child], &left.store) };
        place.tell(Input::Open);
        has_all(&mut place, child);
        place.checkpoint();
        let new = (1000..).find(|number| box_is_in(*number, child)).expect("a box in each");
        place.receive(new);
        assert_eq!(place.got(new), [new]);
    }
    forget_partition(&left.store, PARENT).expect("a store in memory");
    assert_eq!(stored_position(&left.store, PARENT), Ok(None));
    assert!(
        left.store.scan(&[0, 0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 0, 0, 0, 2], 1).expect("it reads").is_empty()
    );
}

#[test]
fn a_child_that_nobody_handed_over_is_read_back_before_and_after_its_genesis() {
    let mut parent = Place::parent();
    parent.seal();
    let (store, log) = (parent.disk.store.clone(), parent.disk.log.clone());
    for (child, id) in CHILDREN.into_iter().enumerate() {
        let mut first = Place::read_back(id, &store, Some(&log), &MemoryLog::new(id)).expect("its parent is sealed");
        first.tell(Input::Open);
        has_all(&mut first, child);
        let own = first.disk.log.clone();
        assert_eq!(own.last(), Ok(Position(1)), "reading and repeating make no record");
        let mut again = Place::read_back(id, &store, Some(&log), &own).expect("its genesis names its parent");
        again.tell(Input::Open);
        assert_eq!(again.partition.status().epoch.0, 2);
        has_all(&mut again, child);
        again.checkpoint();
        let mut alone = Place::read_back(id, &store, None, &again.disk.log).expect("it needs its parent no more");
        alone.tell(Input::Open);
        has_all(&mut alone, child);
    }
}

#[test]
fn an_ended_partition_and_a_child_of_one_that_has_not_ended_say_so() {
    let mut parent = Place::parent();
    parent.checkpoint();
    let child = |parent: &Place, log: Option<&MemoryLog>| {
        let opened = Place::read_back(CHILDREN[0], &parent.disk.store, log, &MemoryLog::new(CHILDREN[0]));
        opened.map(|_| ()).expect_err("it cannot begin")
    };
    let log = parent.disk.log.clone();
    assert!(matches!(child(&parent, Some(&log)), OpenError::ParentNotSealed { parent: PARENT, .. }));
    assert!(matches!(child(&parent, None), OpenError::ParentMissing { parent: PARENT, .. }));
    parent.seal();
    let opened = Partition::open(config(PARENT), &parent.disk.store, &parent.disk.log, Box::new(()), &mut |_| {});
    let Err(OpenError::Sealed { seal, .. }) = opened.map(drop) else { panic!("it opens") };
    assert_eq!(seal.children.iter().map(|child| child.id).collect::<Vec<_>>(), CHILDREN);
}

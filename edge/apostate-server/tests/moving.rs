//! Partitions move between the threads of a node, under load of everything that there is: nothing is lost, doubled or out of order.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use apostate::prelude::*;
use apostate_log::PartitionId;
use apostate_server::{Client, HttpSettings, MoveError, Node, ProducerSummary, Settings};
use common::directory;

const PARTITIONS: u32 = 6;
const THREADS: usize = 3;
const PURSES: u64 = 40;
const ROUNDS: u64 = 400;

/// Something with money in it that tells others of it.
#[entity(name = "purse")]
#[derive(Default, Serialize, Deserialize)]
struct Purse {
    coins: u64,
    held: u64,
    /// Calls, messages, timers and messages of a producer.
    counts: [u64; 4],
    /// How often each other purse was told something.
    told: BTreeMap<u64, u64>,
    /// What each other purse told last.
    heard: BTreeMap<u64, u64>,
    /// How often something was heard out of its order.
    wrong: u64,
}

#[handlers]
impl Purse {
    /// Takes coins in, tells another purse, and sets a timer.
    #[open]
    pub fn work(&mut self, tx: &mut Tx, me: u64, other: u64) -> u64 {
        self.counts[0] += 1;
        self.coins += 10;
        let told = self.told.entry(other).or_default();
        *told += 1;
        tx.send(Purse::at(other).hear(me, *told));
        tx.send_after(Duration::from_millis(self.counts[0] % 7), Purse::at(other).ring());
        self.counts[0]
    }

    /// Hears what another purse tells.
    pub fn hear(&mut self, from: u64, number: u64) {
        let last = self.heard.entry(from).or_default();
        if number != *last + 1 {
            self.wrong += 1;
        }
        *last = number;
        self.counts[1] += 1;
    }

    /// A timer of another purse.
    pub fn ring(&mut self) {
        self.counts[2] += 1;
    }

    /// A message of a producer.
    #[open]
    pub fn count(&mut self) {
        self.counts[3] += 1;
    }

    /// Holds a coin until it is decided where it goes.
    #[tentative(confirm = given, cancel = kept)]
    pub fn give(&mut self, coins: u64) -> Result<(), Refusal> {
        refuse!(self.coins < coins, "there are {}", self.coins);
        self.coins -= coins;
        self.held += coins;
        Ok(())
    }

    fn given(&mut self, coins: u64) {
        self.held -= coins;
    }

    fn kept(&mut self, coins: u64) {
        self.held -= coins;
        self.coins += coins;
    }

    /// Says that it takes coins.
    #[tentative(confirm = taken, cancel = not_taken)]
    pub fn take(&mut self, _coins: u64) -> Result<(), Refusal> {
        Ok(())
    }

    fn taken(&mut self, coins: u64) {
        self.coins += coins;
    }

    fn not_taken(&mut self, _coins: u64) {}

    /// Goes on when the test says so.
    #[open]
    pub fn hang(&mut self) {
        while !IS_OPEN.load(Ordering::Acquire) {
            HANGS.store(true, Ordering::Release);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

static HANGS: AtomicBool = AtomicBool::new(false);
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// An agreement of two purses.
#[entity(name = "deal")]
#[derive(Default, Serialize, Deserialize)]
struct Deal {
    asked: u32,
    decided: u32,
}

#[handlers]
impl Deal {
    /// Moves a coin.
    #[open]
    pub fn begin(&mut self, tx: &mut Tx, from: u64, to: u64) {
        self.asked += 1;
        let both = Agreement::within(Duration::from_secs(3600)).ask(Purse::at(from).give(1)).ask(Purse::at(to).take(1));
        tx.propose(both.then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, _outcome: Outcome) {
        self.decided += 1;
    }
}

fn settings(dir: &std::path::Path) -> Settings {
    Settings {
        partitions: Some(PARTITIONS),
        threads: Some(THREADS),
        segment_bytes: 1 << 20,
        checkpoint_log_bytes: 2 << 20,
        cache_bytes: 1 << 20,
        ..Settings::new(dir)
    }
}

/// Numbers that look random, and are the same in each run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Calls of the process, one after another; each is answered, and counts.
fn call(client: &Client, seed: u64) {
    let mut rng = seed;
    for round in 0..ROUNDS {
        let (me, other) = (random(&mut rng) % PURSES, random(&mut rng) % PURSES);
        client.call(Purse::at(me).work(me, other)).with_key(&format!("{seed}-{round}")).wait().expect("done");
        client.call(Deal::at(format!("{seed}-{round}")).begin(me, other)).wait().expect("done");
    }
}

/// The same calls over HTTP.
fn call_over_http(url: &str, seed: u64) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut rng = seed;
    for _ in 0..ROUNDS {
        let (me, other) = (random(&mut rng) % PURSES, random(&mut rng) % PURSES);
        let url = format!("{url}/entities/purse/{me}/work");
        let body = format!(r#"{{"me":{me},"other":{other}}}"#);
        let mut answer = agent.post(url).header("content-type", "application/json").send(body).expect("an answer");
        assert_eq!(answer.status(), 200, "{:?}", answer.body_mut().read_to_string());
    }
}

fn produce(client: &Client) -> ProducerSummary {
    let mut producer = client.producer("till").expect("a stream");
    for number in 1..=ROUNDS * 100 {
        producer.send(number, Purse::at(number % PURSES).count()).expect("sent");
    }
    producer.finish().expect("answered")
}

/// One load; dropped, also by a panic, it is over.
struct UnderLoad<'a>(&'a AtomicU64);

impl Drop for UnderLoad<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Moves partitions at random until all loads are over, and asks how all are meanwhile. Gives how often one moved.
fn move_about(node: &Node, loads: &AtomicU64) -> u64 {
    let (mut rng, mut moves) = (7, 0);
    while loads.load(Ordering::Acquire) > 0 || moves < 100 {
        let partition = PartitionId(random(&mut rng) % u64::from(PARTITIONS) + 1);
        let thread = random(&mut rng) as usize % THREADS;
        assert_eq!(node.move_partition(partition, thread), Ok(()));
        moves += 1;
        if moves % 16 == 0 {
            let status = node.status();
            assert_eq!((status.partitions.len(), status.silent.len()), (PARTITIONS as usize, 0));
        }
    }
    moves
}

#[test]
fn partitions_that_move_under_load_lose_and_double_nothing() {
    let dir = directory();
    let mut node = Node::open::<(Purse, Deal)>(settings(dir.path())).expect("a node");
    let serving = node.serve(HttpSettings::at(([127, 0, 0, 1], 0).into())).expect("it listens");
    let (url, client, loads) = (format!("http://{}", serving.local_addr()), node.client(), AtomicU64::new(5));
    let moves = thread::scope(|scope| {
        for seed in [11, 12] {
            let (client, under_load) = (&client, UnderLoad(&loads));
            scope.spawn(move || {
                let _under_load = under_load;
                call(client, seed);
            });
        }
        for seed in [13, 14] {
            let (url, under_load) = (&url, UnderLoad(&loads));
            scope.spawn(move || {
                let _under_load = under_load;
                call_over_http(url, seed);
            });
        }
        let (client, under_load) = (&client, UnderLoad(&loads));
        scope.spawn(move || {
            let _under_load = under_load;
            let summary = produce(client);
            assert_eq!((summary.done + summary.accepted, summary.duplicates), (ROUNDS * 100, 0));
        });
        move_about(&node, &loads)
    });
    assert!(moves >= 100);
    client.settle().expect("all arrives");
    assert!(client.parked().next().is_none());
    check(&client);
    drop(serving);
    node.stop().expect("stopped");
    let node = Node::open::<(Purse, Deal)>(settings(dir.path())).expect("a node");
    check(&node.client());
}

/// What must be there after all of it.
fn check(client: &Client) {
    let purses: Vec<_> = client.list::<Purse>().map(|listed| listed.expect("listed").entity).collect();
    let sum = |of: fn(&Purse) -> u64| purses.iter().map(of).sum::<u64>();
    let calls = ROUNDS * 4;
    assert_eq!(purses.len() as u64, PURSES);
    assert_eq!((sum(|purse| purse.counts[0]), sum(|purse| purse.counts[1])), (calls, calls), "calls, messages");
    assert_eq!((sum(|purse| purse.counts[2]), sum(|purse| purse.counts[3])), (calls, ROUNDS * 100), "timers, numbers");
    assert_eq!((sum(|purse| purse.coins), sum(|purse| purse.held)), (calls * 10, 0), "no coin is lost or made");
    assert_eq!(sum(|purse| purse.wrong), 0, "all was heard in its order");
    let deals: Vec<_> = client.list::<Deal>().map(|listed| listed.expect("listed").entity).collect();
    assert_eq!(deals.len() as u64, ROUNDS * 2);
    assert!(deals.iter().all(|deal| (deal.asked, deal.decided) == (1, 1)));
}

#[test]
fn a_partition_whose_handler_runs_stays_and_its_thread_takes_others_in() {
    let dir = directory();
    let node = Node::open::<(Purse, Deal)>(settings(dir.path())).expect("a node");
    let client = node.client();
    let (last, all) = (THREADS - 1, 1..=u64::from(PARTITIONS));
    assert_eq!(node.move_partition(PartitionId(99), 0), Err(MoveError::NoPartition(PartitionId(99))));
    assert_eq!(node.move_partition(PartitionId(1), 9), Err(MoveError::NoThread { thread: 9, last }));
    // All at one thread, and one of them hangs.
    all.clone().for_each(|id| assert_eq!(node.move_partition(PartitionId(id), last), Ok(())));
    let hanging = client.call(Purse::at(1).hang()).start();
    common::wait_until("it hangs", || HANGS.load(Ordering::Acquire));
    let moved: Vec<_> = all.map(|id| node.move_partition(PartitionId(id), 0)).collect();
    let stuck: Vec<_> = moved.iter().filter(|moved| moved.is_err()).collect();
    assert!(matches!(stuck[..], [Err(MoveError::HandlerRuns(_))]), "{moved:?}");
    IS_OPEN.store(true, Ordering::Release);
    assert_eq!(hanging.wait(), Ok(()));
    for purse in 0..PURSES {
        assert_eq!(client.call(Purse::at(purse).work(purse, 0)).wait(), Ok(1), "all go on where they are");
    }
}

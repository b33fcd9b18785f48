//! A conversation: all that one partition hears of another, frame after frame.
//!
//! ```text
//!   ├ length (2) ┼ frame … ┼ length (2) ┼ frame … ┤
//! ```
//!
//! The listener is a real partition over a log and a store in memory. It may drop what it hears, open its session anew, or
//! stop and say which promise the speaker has broken. It must not break down, and what it commits must read back.

use std::sync::Arc;

use apostate::prelude::*;
use apostate_core::{Address, KindId, Timestamp};
use apostate_log::PartitionId;
use apostate_partition::delivery::Frame;
use apostate_partition::{
    Config, Effect, HostTime, Input, Map, Partition, Request, RequestKind, StopReason, Tuning, Uptime,
};
use apostate_world::{BEGINNING, MemoryDisk};
use bytes::Bytes;

use super::message;
use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "conversation", made, amend, check, memory_bytes: 4 << 20 };

const LISTENER: PartitionId = PartitionId(1);
const SPEAKER: PartitionId = PartitionId(2);

/// Bytes of a frame of messages before its messages.
const MESSAGES_AT: usize = 17;

/// How long a partition waits for the next frame: long enough that sessions are opened anew.
const PAUSE_MILLISECONDS: u64 = 60;

/// Turns that a partition has after each frame.
const TURNS: usize = 1;

/// The kind of entity whose messages the two partitions exchange.
#[entity(name = "purse")]
#[derive(Default, Serialize, Deserialize)]
struct Purse {
    coins: i64,
}

#[handlers]
impl Purse {
    /// Gives coins to another purse.
    #[open]
    pub fn give(&mut self, tx: &mut Tx, to: String, coins: i64) {
        self.coins -= coins;
        tx.send(Purse::at(to).take(coins));
    }

    /// Takes coins.
    pub fn take(&mut self, coins: i64) {
        self.coins += coins;
    }
}

/// A partition and what is around it.
struct Place {
    id: PartitionId,
    partition: Partition,
    disk: MemoryDisk,
    now: Timestamp,
    said: Vec<Bytes>,
    stopped: Option<Arc<StopReason>>,
}

fn open(id: PartitionId, disk: &MemoryDisk) -> Partition {
    let config = Config {
        id,
        map: Arc::new(Map::first(2)),
        registry: Arc::new(<(Purse,)>::registry().expect("one kind")),
        tuning: Tuning { checkpoint_log_bytes: 2048, ..Tuning::default() },
        seed: id.0,
        suspects: Vec::new(),
    };
    Partition::open(config, &disk.store, &disk.log, Box::new(()), &mut |_| {}).expect("what was committed reads back")
}

impl Place {
    /// A partition that serves, and has something to say.
    fn new(id: PartitionId) -> Self {
        let disk = MemoryDisk::new(id);
        let partition = open(id, &disk);
        let now = Timestamp(BEGINNING);
        let mut place = Self { id, partition, disk, now, said: Vec::new(), stopped: None };
        place.tell(Input::Open);
        for coins in 1..=3 {
            let call = Purse::at(purse(id)).give(purse(other(id)), coins);
            let to = call.to.expect("a key");
            let (handler, body, request_kind) = (call.handler, call.body, RequestKind::Call { key: None });
            place.tell(Input::Request(Request::new(to, handler, body, request_kind)));
        }
        // Whoever has something to say and no session says so after a while.
        while place.said.is_empty() {
            place.tell(Input::Turn);
        }
        place
    }

    fn hear(&mut self, frame: Bytes) {
        self.tell(Input::Frame { from: other(self.id), bytes: frame });
        // A session is asked for, and a stall told, after a while.
        (0..TURNS).for_each(|_| self.tell(Input::Turn));
    }

    /// Tells the partition something, gives it its turn, and does what it wants until it wants nothing more.
    fn tell(&mut self, input: Input) {
        self.now = Timestamp(self.now.0 + PAUSE_MILLISECONDS);
        let mut inputs = vec![input, Input::Turn];
        while !inputs.is_empty() {
            let mut effects = Vec::new();
            let now = HostTime { wall: self.now, uptime: Uptime(self.now.0) };
            inputs.drain(..).for_each(|input| self.partition.step(now, input, &mut effects));
            effects.into_iter().for_each(|effect| self.obey(effect, &mut inputs));
            if !inputs.is_empty() {
                inputs.push(Input::Turn);
            }
        }
    }

    fn obey(&mut self, effect: Effect, inputs: &mut Vec<Input>) {
        match self.disk.carry_out(effect) {
            Ok(answers) => inputs.extend(answers),
            Err(Effect::Frame { bytes, .. }) => self.said.push(bytes),
            Err(Effect::Stopped(reason)) => self.stopped = Some(reason),
            Err(_) => {}
        }
    }
}

fn other(id: PartitionId) -> PartitionId {
    if id == LISTENER { SPEAKER } else { LISTENER }
}

/// The key of a purse that lives in this partition.
fn purse(id: PartitionId) -> String {
    let lives_here = |name: &String| {
        let key = EntityKey::new(name).expect("a key");
        Map::first(2).find(Address::new(KindId::of(Purse::NAME), key).hash()) == id
    };
    (0..).map(|number| format!("purse-{number}")).find(lives_here).expect("there are many")
}

fn made() -> Vec<Vec<u8>> {
    let (_, frames) = converse();
    vec![frames.iter().flat_map(|frame| [&(frame.len() as u16).to_le_bytes()[..], frame].concat()).collect()]
}

/// Lets two partitions talk until they have nothing more to say. Gives the listener, and what it heard.
fn converse() -> (Place, Vec<Bytes>) {
    let (mut listener, mut speaker) = (Place::new(LISTENER), Place::new(SPEAKER));
    let mut heard = Vec::new();
    for _ in 0..40 {
        std::mem::take(&mut listener.said).into_iter().for_each(|frame| speaker.hear(frame));
        for frame in std::mem::take(&mut speaker.said) {
            heard.push(frame.clone());
            listener.hear(frame);
        }
    }
    (listener, heard)
}

/// The frames, as far as there are whole ones.
fn frames(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((frame, rest)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length))) else { break };
        frames.push(frame);
        bytes = rest;
    }
    frames
}

/// Puts the first message of every frame of messages right.
fn amend(mut bytes: &mut [u8]) {
    while let Some((length, rest)) = bytes.split_first_chunk_mut() {
        let Some((frame, rest)) = rest.split_at_mut_checked(usize::from(u16::from_le_bytes(*length))) else { break };
        if frame.len() > MESSAGES_AT && frame[0] == 4 {
            message::amend(&mut frame[MESSAGES_AT..]);
        }
        bytes = rest;
    }
}

fn check(bytes: &[u8]) -> Verdict {
    let mut place = Place::new(LISTENER);
    let frames = frames(bytes);
    for frame in &frames {
        place.hear(Bytes::copy_from_slice(frame));
    }
    if let Some(reason) = &place.stopped {
        assert!(names_an_invariant(&reason.to_string()), "a frame breaks a partition: {reason}");
    }
    open(LISTENER, &place.disk);
    let is_read = |frame: &&[u8]| Frame::read(frame).is_ok();
    Verdict::of(place.stopped.is_none() && !frames.is_empty() && frames.iter().all(is_read))
}

/// Whether a partition stopped because it was told what cannot be: `E6 broken: …`.
fn names_an_invariant(reason: &str) -> bool {
    matches!(reason.as_bytes(), [b'E' | b'P', b'1'..=b'6', rest @ ..] if rest.starts_with(b" broken"))
}

#[cfg(test)]
mod tests {
    use apostate_log::Log;

    use super::*;

    #[test]
    fn what_was_heard_is_heard_again_to_the_end() {
        let (listener, heard) = converse();
        for kind in 1..=5 {
            assert!(heard.iter().any(|frame| frame[0] == kind), "no frame of kind {kind}");
        }
        let mut again = Place::new(LISTENER);
        heard.into_iter().for_each(|frame| again.hear(frame));
        assert_eq!((again.stopped, again.disk.log.last()), (None, listener.disk.log.last()));
    }
}

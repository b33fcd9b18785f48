//! Who waits for which answer of one partition.

use std::sync::Arc;

use apostate_partition::Answer;

use crate::answers::promise::{DeskAnswers, Promise};
use crate::answers::stream::Stream;
use crate::answers::verdict::Verdict;
use crate::executor::messages::CheckpointReply;

/// The open tickets of one partition. A ticket is a place and a generation, so one that is answered twice finds nobody.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    places: Vec<Place>,
    free: Vec<u32>,
    streams: Vec<StreamPlace>,
    /// What the desks get at the end of the turn.
    desks: DeskAnswers,
    /// Open tickets of single requests.
    ones: usize,
    /// Open tickets of producers' messages.
    numbered: usize,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    asker: Option<Asker>,
}

#[derive(Debug)]
enum Asker {
    One(Promise),
    /// The stream's place, and the message's number.
    Stream(u32, u64),
    Checkpoint(CheckpointReply),
}

/// One stream, and the answers that it gets at the end of the turn.
#[derive(Debug)]
struct StreamPlace {
    stream: Option<Stream>,
    open: usize,
    answers: Vec<(u64, Verdict)>,
}

impl Tickets {
    /// How many single requests wait for their answers.
    pub(crate) fn ones(&self) -> usize {
        self.ones
    }

    /// How many producers' messages wait for their answers.
    pub(crate) fn numbered(&self) -> usize {
        self.numbered
    }

    /// A ticket for one request.
    pub(crate) fn one(&mut self, promise: Promise) -> u64 {
        self.ones += 1;
        self.issue(Asker::One(promise))
    }

    /// A ticket for a reply.
    pub(crate) fn checkpoint(&mut self, reply: CheckpointReply) -> u64 {
        self.issue(Asker::Checkpoint(reply))
    }

    /// The place of `stream`, for [`message`](Self::message). Producers are few.
    pub(crate) fn stream(&mut self, stream: &Stream) -> u32 {
        let is_same = |place: &StreamPlace| place.stream.as_ref().is_some_and(|other| Arc::ptr_eq(other, stream));
        let found = self.streams.iter().position(is_same);
        let place = found.or_else(|| self.streams.iter().position(|place| place.stream.is_none()));
        let place = place.unwrap_or_else(|| {
            self.streams.push(StreamPlace { stream: None, open: 0, answers: Vec::new() });
            self.streams.len() - 1
        });
        self.streams[place].stream.get_or_insert_with(|| Arc::clone(stream));
        u32::try_from(place).expect("fewer streams than memory has bytes")
    }

    /// A ticket for the message `number` of a stream.
    pub(crate) fn message(&mut self, stream: u32, number: u64) -> u64 {
        self.numbered += 1;
        self.streams[stream as usize].open += 1;
        self.issue(Asker::Stream(stream, number))
    }

    /// Gives the answer to whoever waits for it; streams and desks get it with [`flush`](Self::flush). False: nobody does.
    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) -> bool {
        match self.redeem(ticket) {
            None => return false,
            Some(Asker::One(promise)) => {
                self.ones -= 1;
                promise.keep_with(Verdict::Answered(answer), &mut self.desks);
            }
            Some(Asker::Stream(stream, number)) => {
                self.numbered -= 1;
                let place = &mut self.streams[stream as usize];
                place.open -= 1;
                place.answers.push((number, Verdict::Answered(answer)));
            }
            // A reply is granted, not answered.
            Some(Asker::Checkpoint(_)) => return false,
        }
        true
    }

    /// Tells whoever asked for a checkpoint.
    pub(crate) fn checkpoint_done(&mut self, ticket: u64) {
        if let Some(Asker::Checkpoint(reply)) = self.redeem(ticket) {
            // Nobody has to wait for a reply.
            let _ = reply.send(Ok(()));
        }
    }

    /// Hands over the answers of the turn to their streams and desks.
    pub(crate) fn flush(&mut self) {
        self.desks.deliver();
        for place in &mut self.streams {
            if let Some(stream) = &place.stream {
                stream.add(&mut place.answers);
                if place.open == 0 {
                    place.stream = None;
                }
            }
        }
    }

    /// Tells everybody who waits that nobody knows, for this reason.
    pub(crate) fn abandon(&mut self, reason: &str) {
        let unknown = || Verdict::Unknown(reason.to_owned());
        self.free.clear();
        (self.ones, self.numbered) = (0, 0);
        for place in std::mem::take(&mut self.places) {
            match place.asker {
                None => {}
                Some(Asker::One(promise)) => promise.keep(unknown()),
                Some(Asker::Stream(stream, number)) => {
                    let place = &mut self.streams[stream as usize];
                    place.open -= 1;
                    place.answers.push((number, unknown()));
                }
                Some(Asker::Checkpoint(reply)) => {
                    let _ = reply.send(Err(reason.to_owned()));
                }
            }
        }
        self.flush();
    }

    fn issue(&mut self, asker: Asker) -> u64 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, asker: None });
            u32::try_from(self.places.len() - 1).expect("requests are bounded far below")
        });
        let held = &mut self.places[place as usize];
        held.generation = held.generation.wrapping_add(1);
        held.asker = Some(asker);
        u64::from(held.generation) << 32 | u64::from(place)
    }

    fn redeem(&mut self, ticket: u64) -> Option<Asker> {
        let (generation, place) = ((ticket >> 32) as u32, ticket as u32);
        let held = self.places.get_mut(place as usize).filter(|held| held.generation == generation)?;
        let asker = held.asker.take()?;
        self.free.push(place);
        Some(asker)
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        self.abandon("the node was closed before the answer came");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::promise::slot;

    #[test]
    fn a_ticket_is_good_for_one_answer() {
        let mut tickets = Tickets::default();
        let (promise, waiting) = slot();
        let ticket = tickets.one(promise);
        assert_eq!((tickets.ones(), tickets.numbered()), (1, 0));
        assert!(tickets.answer(ticket, Answer::Accepted));
        assert!(matches!(waiting.wait(), Verdict::Answered(Answer::Accepted)));
        let (promise, waiting) = slot();
        let next = tickets.one(promise);
        assert!(!tickets.answer(ticket, Answer::Duplicate), "its place belongs to another request now");
        assert!(tickets.answer(next, Answer::Duplicate));
        assert!(matches!(waiting.wait(), Verdict::Answered(Answer::Duplicate)));
        assert_eq!(tickets.ones(), 0);
    }

    #[test]
    fn a_stream_gets_its_answers_in_one_batch() {
        let mut tickets = Tickets::default();
        let stream = Stream::default();
        let place = tickets.stream(&stream);
        let issued: Vec<u64> = (1..=3).map(|number| tickets.message(place, number)).collect();
        assert_eq!(tickets.stream(&stream), place);
        for ticket in issued {
            assert!(tickets.answer(ticket, Answer::Accepted));
        }
        let mut done = Vec::new();
        stream.take(&mut done);
        assert!(done.is_empty(), "nothing before the turn ends");
        tickets.flush();
        stream.take(&mut done);
        assert_eq!(done.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn everybody_who_waits_is_told_of_the_end() {
        let mut tickets = Tickets::default();
        let (promise, waiting) = slot();
        tickets.one(promise);
        let stream = Stream::default();
        let place = tickets.stream(&stream);
        tickets.message(place, 9);
        let (reply, asked) = crossbeam_channel::bounded(1);
        tickets.checkpoint(reply);
        drop(tickets);
        assert!(matches!(waiting.wait(), Verdict::Unknown(_)));
        let mut done = Vec::new();
        stream.take(&mut done);
        assert!(matches!(done[..], [(9, Verdict::Unknown(_))]));
        assert!(asked.recv().expect("told").is_err());
    }
}

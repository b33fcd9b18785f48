//! Counts of injected faults: a world in which too little goes wrong proves too little.

use std::fmt;

/// How often what went wrong, on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Crashes of a node, or of a partition, before a commit: what the handler did is as if it never ran.
    pub crashes_before: u64,
    /// Crashes after a commit, before anybody was told of it.
    pub crashes_after: u64,
    /// Messages, and frames of messages, that were lost on the way and sent again.
    pub lost: u64,
    /// Copies of messages that the platform noticed and dropped.
    pub duplicates: u64,
    /// Requests from outside that were lost, and asked again.
    pub requests_lost: u64,
    /// Answers to the outside that were lost; the same answer came when the client asked again.
    pub answers_lost: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, other: Self) {
        let Self { crashes_before, crashes_after, lost, duplicates, requests_lost, answers_lost } = other;
        self.crashes_before += crashes_before;
        self.crashes_after += crashes_after;
        self.lost += lost;
        self.duplicates += duplicates;
        self.requests_lost += requests_lost;
        self.answers_lost += answers_lost;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crashes_before, crashes_after, lost, duplicates, requests_lost, answers_lost } = self;
        write!(
            f,
            "{crashes_before} crashes before a commit and {crashes_after} after one, {lost} messages lost and \
             {duplicates} copies dropped, {requests_lost} requests and {answers_lost} answers lost"
        )
    }
}

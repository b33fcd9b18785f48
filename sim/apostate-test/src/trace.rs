//! The trace of a world: lines for people, and numbers to compare two runs by.

use std::collections::VecDeque;

use apostate_core::{Address, HandlerId, decode};
use apostate_partition::Role;
use apostate_world::Moment;

use crate::names::{Names, value};

/// Most lines that are remembered.
const LINES_MAX: usize = 20_000;

/// Most lines that are shown.
const SHOWN_MAX: usize = 40;

/// Everything that has happened in a world.
#[derive(Default)]
pub(crate) struct Trace {
    lines: VecDeque<TraceLine>,
    last: u64,
    /// For each message that took effect: what it was, and what came of it.
    pub(crate) marks: Vec<Mark>,
}

/// A message that took effect, as two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

/// One thing that happened.
#[derive(Clone)]
pub(crate) struct TraceLine {
    pub(crate) at: Moment,
    /// The message that it is about; none if it is about no message.
    pub(crate) about: Option<TracedMessage>,
    pub(crate) what: TraceEvent,
}

/// A message that something happened to.
#[derive(Clone)]
pub(crate) struct TracedMessage {
    /// The number of the line in which it was sent; 0 if that is not known, or the test sent it.
    pub(crate) cause: u64,
    pub(crate) from: Option<Address>,
    pub(crate) to: Address,
    pub(crate) role: Role,
    pub(crate) handler: HandlerId,
    pub(crate) body: Vec<u8>,
}

/// The result of a message.
#[derive(Clone)]
pub(crate) enum TraceEvent {
    /// Handled, with this reply and so many messages sent.
    Done { reply: Vec<u8>, sent: usize },
    /// Something that words say.
    Words(String),
}

impl Trace {
    /// Adds a line; gives its number.
    pub(crate) fn add(&mut self, line: TraceLine) -> u64 {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.last += 1;
        self.last
    }

    /// The last lines, as people read them.
    pub(crate) fn shown(&self, names: &Names) -> String {
        let limit = if std::env::var_os("APOSTATE_TRACE").is_some() { LINES_MAX } else { SHOWN_MAX };
        let skipped = self.lines.len().saturating_sub(limit);
        let first = self.last + 1 - self.lines.len() as u64;
        let mut text = String::new();
        if self.last > 0 && skipped as u64 + first > 1 {
            text.push_str("  … (APOSTATE_TRACE=1 shows more)\n");
        }
        for (line, number) in self.lines.iter().zip(first..).skip(skipped) {
            let TraceLine { at, about, what } = line;
            let about = about.as_ref().map_or_else(|| "--".to_owned(), |about| about.shown(names));
            let what = match what {
                TraceEvent::Done { reply, sent } => done(reply, *sent),
                TraceEvent::Words(words) => words.clone(),
            };
            text.push_str(&format!("  #{number:<5} {:>9.3} s  {about}: {what}\n", *at as f64 / 1e6));
        }
        text
    }
}

impl TracedMessage {
    fn shown(&self, names: &Names) -> String {
        let Self { cause, from, to, role, handler, body } = self;
        let message = match word_of(*role) {
            None => names.message(from.as_ref(), to, *handler, body),
            Some(word) => {
                let from = from.as_ref().map_or_else(String::new, |from| names.entity(from));
                format!("{from} → {} {word}", names.entity(to))
            }
        };
        if *cause > 0 { format!("{message}  (sent in #{cause})") } else { message }
    }
}

/// The name of a message that is the platform's own.
fn word_of(role: Role) -> Option<&'static str> {
    match role {
        Role::Plain | Role::Ask | Role::Reply | Role::Timer | Role::Try => None,
        Role::Accepted => Some("(accepted)"),
        Role::Refused => Some("(refused)"),
        Role::Confirm => Some("(confirm)"),
        Role::Cancel => Some("(cancel)"),
        Role::Lapse => Some("(lapse)"),
        Role::Deadline => Some("(deadline)"),
        Role::Overdue => Some("(overdue)"),
    }
}

fn done(reply: &[u8], sent: usize) -> String {
    let is_empty = reply.is_empty() || decode::<()>(reply).is_ok();
    let reply = if is_empty { String::new() } else { format!(", answers {}", value(reply)) };
    let sent = if sent == 0 { String::new() } else { format!(", sends {sent}") };
    format!("done{reply}{sent}")
}

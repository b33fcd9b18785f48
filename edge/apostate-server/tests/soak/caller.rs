//! A caller: adds tags and looks, one after the other, and writes down what it saw.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::history::{Outcome, Seen, What};

/// Journals that everybody works on: there, calls meet.
const HOT: u64 = 8;

/// Journals that are rarely met twice.
const COLD: u64 = 2_000;

/// How long a caller waits before it asks a node again that was not there.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Caller<'a> {
    agent: Agent,
    url: &'a str,
    number: u64,
    began: Instant,
    seed: u64,
    seen: Vec<Seen>,
}

/// The answer to a request, if there is one.
enum Answer {
    /// The status, and the body.
    Said(u16, String),
    /// The request never left.
    NotSent,
    /// The outcome is unknown.
    Unknown,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(url: &'a str, number: u32, began: Instant) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20)));
        let seed = (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { agent: config.build().into(), url, number: u64::from(number), began, seed, seen: Vec::new() }
    }

    /// Works until it is over. What it saw.
    pub(crate) fn run(mut self, is_over: &AtomicBool) -> Result<Vec<Seen>, String> {
        let mut tag = 0;
        while !is_over.load(Ordering::Relaxed) {
            let journal = if self.below(4) > 0 { self.below(HOT) } else { HOT + self.below(COLD) };
            if self.below(4) == 0 {
                self.look(journal)?;
            } else {
                tag += 1;
                self.add(journal, self.number << 40 | tag, is_over)?;
            }
        }
        Ok(self.seen)
    }

    fn add(&mut self, journal: u64, tag: u64, is_over: &AtomicBool) -> Result<(), String> {
        let asked = self.now();
        // Most callers ask again until they know; some never do.
        let asks_again = self.below(5) > 0;
        let mut outcome = Outcome::Failed;
        loop {
            match self.post(journal, tag) {
                Answer::Said(200, body) => {
                    let count = body.trim().parse().map_err(|_| format!("`add` is answered with {body}"))?;
                    outcome = Outcome::Done(count);
                    break;
                }
                Answer::Said(409, body) if body.contains("\"multiple\"") => {
                    outcome = Outcome::Refused;
                    break;
                }
                // Nothing was done: what was unknown stays unknown.
                Answer::NotSent => {}
                Answer::Said(429 | 503, body) if !body.contains("\"outcome-unknown\"") => {}
                Answer::Unknown | Answer::Said(503 | 409, _) => outcome = Outcome::Unknown,
                Answer::Said(status, body) => return Err(format!("`add` is answered with {status}: {body}")),
            }
            if !asks_again && outcome == Outcome::Unknown || is_over.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(PAUSE);
        }
        let answered = self.now();
        self.seen.push(Seen { journal, asked, answered, what: What::Add { tag, outcome } });
        Ok(())
    }

    fn look(&mut self, journal: u64) -> Result<(), String> {
        let asked = self.now();
        let answer = self.agent.get(format!("{}/entities/journal/{journal}/count", self.url)).call();
        let count = match said(answer) {
            Answer::Said(200, body) => body.trim().parse().map_err(|_| format!("`count` is answered with {body}"))?,
            Answer::Said(404, _) => 0,
            Answer::Said(429 | 503, _) | Answer::NotSent | Answer::Unknown => {
                thread::sleep(PAUSE);
                return Ok(());
            }
            Answer::Said(status, body) => return Err(format!("`count` is answered with {status}: {body}")),
        };
        let answered = self.now();
        self.seen.push(Seen { journal, asked, answered, what: What::Read { count } });
        Ok(())
    }

    fn post(&self, journal: u64, tag: u64) -> Answer {
        let request = self.agent.post(format!("{}/entities/journal/{journal}/add", self.url));
        let request = request.header("idempotency-key", format!("\"tag-{tag}\""));
        said(request.content_type("application/json").send(format!("{{\"tag\":{tag}}}")))
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn below(&mut self, end: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % end
    }
}

fn said(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    match answer {
        Ok(mut answer) => match answer.body_mut().read_to_string() {
            Ok(body) => Answer::Said(answer.status().as_u16(), body),
            Err(_) => Answer::Unknown,
        },
        Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Answer::NotSent,
        Err(_) => Answer::Unknown,
    }
}

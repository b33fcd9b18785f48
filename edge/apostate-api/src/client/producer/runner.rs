//! The task behind a producer: one connection after the other, until every message has its result.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use apostate_core::EntityKey;
use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::answer::{ANSWER_BYTES_MAX, Missed, problem, retry_after, too_long};
use crate::client::error::ProducerError;
use crate::client::pool::Place;
use crate::client::producer::shared::{Line, Told};
use crate::client::response::{Response, send};
use crate::client::setup::Client;
use crate::client::stream::{Lines, Outgoing, pieces};
use crate::client::{path, retry};
use crate::{BulkResult, ErrorCode, NDJSON_TYPE, Problem, paths};

/// Lines that are taken at a time.
const LINES: usize = 256;

/// About how many bytes are sent in one piece.
const PIECE_BYTES: usize = 64 << 10;

/// The task behind a producer.
pub(crate) struct Runner {
    client: Client,
    name: Vec<u8>,
    incoming: mpsc::Receiver<Line>,
    told: Arc<Told>,
    window: Arc<Semaphore>,
    /// What has no result, by number.
    open: BTreeMap<u64, Line>,
    /// What goes into the next pieces.
    unsent: VecDeque<Bytes>,
    /// The highest number taken.
    highest: u64,
    /// Whether the connection has given a result.
    was_heard: bool,
}

/// How a connection ended.
enum End {
    /// Every message has its result, and there will be no other.
    Finished,
    /// It broke, and another may be better.
    Broken(String, Option<Duration>),
    /// The node will not have it.
    Refused(Box<Problem>),
}

impl Runner {
    pub(crate) fn new(
        client: Client,
        name: &EntityKey,
        incoming: mpsc::Receiver<Line>,
        told: Arc<Told>,
        window: Arc<Semaphore>,
    ) -> Self {
        Self {
            client,
            name: name.as_bytes().to_vec(),
            incoming,
            told,
            window,
            open: BTreeMap::new(),
            unsent: VecDeque::new(),
            highest: 0,
            was_heard: false,
        }
    }

    /// Runs until the producer is finished or broken.
    pub(crate) async fn run(mut self) {
        if let Err(error) = self.connections().await {
            self.told.with(|so_far| so_far.broken = Some(error));
            self.window.close();
        }
        self.told.news.notify_one();
    }

    async fn connections(&mut self) -> Result<(), ProducerError> {
        let (mut number, mut since) = (0, None::<Instant>);
        // A node is not kept busy by a stream that has nothing to say.
        while !self.open.is_empty() || self.take_lines().await {
            match self.connection().await {
                End::Finished => return Ok(()),
                End::Refused(problem) => {
                    return Err(ProducerError::Ended { problem, resume_from: self.resume_from() });
                }
                // It owed us nothing. The next one begins when there is something to send, and has all the time then.
                End::Broken(..) if self.open.is_empty() => (number, since) = (0, None),
                End::Broken(detail, asked) => {
                    if self.was_heard {
                        (number, since) = (0, None);
                    }
                    let since = *since.get_or_insert_with(Instant::now);
                    let left = self.client.deadline.saturating_sub(since.elapsed());
                    if left <= asked.unwrap_or_default() {
                        return Err(ProducerError::Broken { detail, resume_from: self.resume_from() });
                    }
                    // The last attempt is made when the time is over, and not a long wait before.
                    sleep(retry::wait(number, asked).min(left)).await;
                    number = number.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    fn resume_from(&self) -> u64 {
        self.open.keys().next().copied().unwrap_or(self.highest + 1)
    }

    /// Takes more lines; false if there will be no more.
    async fn take_lines(&mut self) -> bool {
        let mut lines = Vec::new();
        if self.incoming.recv_many(&mut lines, LINES).await == 0 {
            return false;
        }
        for line in lines {
            self.unsent.push_back(line.text.clone());
            self.highest = line.number;
            self.open.insert(line.number, line);
        }
        true
    }

    async fn connection(&mut self) -> End {
        self.was_heard = false;
        // Again, and in order: everything that has no result.
        self.unsent = self.open.values().map(|line| line.text.clone()).collect();
        let (sender, body) = pieces();
        let mut sender = Some(sender);
        let request = match self.request(body) {
            Ok(request) => request,
            Err(detail) => return End::Broken(detail, None),
        };
        let (pool, is_sent) = (Arc::clone(&self.client.pool), AtomicBool::new(false));
        let mut sending = pin!(send(&pool, Place::of_stream(), request, &is_sent));
        let (mut response, mut lines, mut heard) = (None::<Response>, Lines::default(), Instant::now());
        loop {
            let is_silent = heard + self.client.attempt;
            let (has_unsent, was_idle) = (!self.unsent.is_empty(), self.open.is_empty());
            tokio::select! {
                answer = sending.as_mut(), if response.is_none() => match answer {
                    Ok(answer) if answer.is_success() => response = Some(answer),
                    Ok(answer) => return refused(answer, self.client.attempt).await,
                    Err(error) => return End::Broken(error.to_string(), None),
                },
                room = room(sender.clone()), if has_unsent => match room {
                    Some(room) => drop(room.send(self.piece())),
                    // The connection takes no more; the response says why.
                    None => sender = None,
                },
                more = self.take_lines(), if !has_unsent && sender.is_some() => {
                    if !more {
                        sender = None;
                    }
                    // Silence is counted from when there is something to answer.
                    if was_idle {
                        heard = Instant::now();
                    }
                },
                piece = next_piece(&mut response) => match piece {
                    Ok(Some(piece)) => {
                        heard = Instant::now();
                        if let Some(end) = self.hear(&mut lines, &piece) {
                            return end;
                        }
                    }
                    Ok(None) if self.open.is_empty() && self.incoming.is_closed() && self.incoming.is_empty() => {
                        return End::Finished;
                    }
                    Ok(None) => return self.ended(&lines),
                    Err(detail) => return End::Broken(detail, None),
                },
                () = sleep_until(is_silent), if !self.open.is_empty() => {
                    return End::Broken(format!("no result for {:?}", self.client.attempt), None);
                }
            }
        }
    }

    fn request(&self, body: Outgoing) -> Result<Request<Outgoing>, String> {
        let messages = path::fill(paths::MESSAGES, []).expect("a path without names");
        let request = self.client.request(Method::POST, &messages, &[], body);
        let mut request = request.map_err(|error| error.to_string())?;
        let name = HeaderValue::from_bytes(&self.name).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("producer"), name);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON_TYPE));
        Ok(request)
    }

    /// As much as is sent in one piece.
    fn piece(&mut self) -> Bytes {
        let mut piece = BytesMut::new();
        while let Some(text) = self.unsent.front() {
            if !piece.is_empty() && piece.len() + text.len() > PIECE_BYTES {
                break;
            }
            piece.extend_from_slice(text);
            self.unsent.pop_front();
        }
        piece.freeze()
    }

    /// Takes results; the end, if a line says so.
    fn hear(&mut self, lines: &mut Lines, piece: &[u8]) -> Option<End> {
        let mut end = None;
        lines.take(piece, |line| {
            if end.is_some() || line.trim_ascii().is_empty() {
                return;
            }
            match serde_json::from_slice::<BulkResult>(line) {
                Ok(result) => {
                    // A number that nobody waits for was answered before.
                    if let Some(line) = self.open.remove(&result.number) {
                        self.was_heard = true;
                        self.told.result(result);
                        // Its place in the window is free when its result can be seen, and not before.
                        drop(line);
                    }
                }
                Err(_) => end = Some(judged(line)),
            }
        });
        if lines.rest().len() > ANSWER_BYTES_MAX {
            end.get_or_insert_with(|| End::Broken(too_long().to_string(), None));
        }
        self.told.news.notify_one();
        end
    }

    /// The response ended, and messages have no result.
    fn ended(&self, lines: &Lines) -> End {
        match lines.rest().trim_ascii() {
            b"" => End::Broken("the node ended the stream".to_owned(), None),
            rest => judged(rest),
        }
    }
}

/// What a line that is no result means.
fn judged(line: &[u8]) -> End {
    match serde_json::from_slice::<Problem>(line) {
        Ok(problem) => judged_problem(problem, None),
        Err(error) => End::Broken(format!("a line of the answer cannot be read: {error}"), None),
    }
}

fn judged_problem(problem: Problem, wait: Option<Duration>) -> End {
    let wait = wait.or(problem.retry_after.map(retry::after));
    // We send bodies that are whole: one that is not was cut on its way.
    let is_cut = problem.error_code() == Some(ErrorCode::BadBody);
    if is_cut || problem.is_retryable() {
        return End::Broken(format!("{} ({})", problem.detail, problem.code), wait);
    }
    End::Refused(Box::new(problem))
}

/// The node answered with a problem instead of a stream.
async fn refused(response: Response, patience: Duration) -> End {
    let wait = retry_after(&response);
    let problem = timeout(patience, problem(response)).await.unwrap_or_else(|_| Err(Missed::silent_for(patience)));
    match problem {
        Ok(problem) => judged_problem(problem, wait),
        Err(missed) => End::Broken(missed.why.detail(), wait),
    }
}

/// Room for a piece, or none if nobody takes any more.
async fn room(sender: Option<mpsc::Sender<Bytes>>) -> Option<mpsc::OwnedPermit<Bytes>> {
    match sender {
        Some(sender) => sender.reserve_owned().await.ok(),
        None => pending().await,
    }
}

/// The next piece of the response, once there is one.
async fn next_piece(response: &mut Option<Response>) -> Result<Option<Bytes>, String> {
    match response {
        Some(response) => response.chunk().await,
        None => pending().await,
    }
}

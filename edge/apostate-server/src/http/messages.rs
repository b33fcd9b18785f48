//! `POST /messages`: a producer's numbered messages, one a line in, one result a line out, streamed both ways.
//!
//! ```text
//!   {"number":1,"entity":"stock/tea","handler":"receive","arguments":{"units":5}}
//!        ▼                                            ▲
//!   producer ── at most a window of them unanswered ──┘   {"number":1,"result":"done","reply":5}
//! ```
//!
//! Results come as they become known, which need not be in the order of the numbers. Whoever reads them slowly is read slowly: when
//! the window is full no further line is read. A line that cannot be a message, or one that nothing here takes, ends the stream
//! with a problem as its last line, which says from which number to send again; so does a stop of the node. What was applied before is a
//! duplicate then, so sending too much again does no harm.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use apostate_api::{BulkEnding, BulkMessage, BulkResult, ErrorCode, NDJSON_TYPE, NUMBER_MAX};
use apostate_core::{Address, EntityKey, KindId};
use bytes::{Buf, Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::HeaderName;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use crate::client::producer::{Producer, ProducerAnswer, ProducerError};
use crate::http::body::{broken, check_type};
use crate::http::edge::{Edge, HandlerRow};
use crate::http::fault::Fault;
use crate::http::json;
use crate::http::meters::Outcome;
use crate::http::reply::{Reply, typed};
use crate::http::route::{Answer, NodeRequest};
use crate::http::stream::{Pieces, stream};
use crate::traces::parent::Parent;

/// The header field that names the producer.
const PRODUCER: HeaderName = HeaderName::from_static("producer");

/// Most messages of one stream that are unanswered.
const WINDOW: usize = 8192;

/// Most bytes of those.
const WINDOW_BYTES: usize = 4 << 20;

/// Most bytes that the replies to those may come to, as far as replies before them tell.
const WINDOW_REPLY_BYTES: usize = 4 << 20;

/// What a reply is taken to be before there was one.
const REPLY_BYTES_FIRST: usize = 256 << 10;

/// How long a stream that breaks waits for answers to what it sent.
const REST_PATIENCE: Duration = Duration::from_secs(5);

/// `POST /messages`.
pub(crate) fn messages(request: NodeRequest<'_>) -> Answer {
    let NodeRequest { edge, parts, body, active, .. } = request;
    let name = producer_name(&parts.headers)?;
    check_type(&parts.headers)?;
    if edge.is_stopping() {
        return Err(Fault::new(ErrorCode::NotReady, "the node stops; nothing was taken").closing());
    }
    let permit = edge.stream()?;
    let mut producer = Producer::open(&edge.shared, name).map_err(|error| producer_fault(&error))?;
    producer.follow_as(Parent::of(&parts.headers));
    let (pieces, out) = stream();
    let bulk = Bulk {
        edge: Arc::clone(edge),
        producer,
        handlers: HashMap::new(),
        unread: BytesMut::new(),
        searched: 0,
        written: BytesMut::new(),
        lines: 0,
        messages: 0,
        reply_bytes: REPLY_BYTES_FIRST,
    };
    if let Some(body) = body.take() {
        tokio::spawn(bulk.run(body, pieces, permit));
    }
    Ok(typed(NDJSON_TYPE, Reply::Streamed(out, active)))
}

fn producer_name(headers: &HeaderMap) -> Result<EntityKey, Fault> {
    let value = headers.get(PRODUCER).ok_or_else(|| {
        let detail = "name the producer of these messages, such as `Producer: till-7`; its numbers ascend for ever";
        Fault::new(ErrorCode::ProducerMissing, detail)
    })?;
    if headers.get_all(PRODUCER).iter().count() > 1 {
        return Err(Fault::new(ErrorCode::BadProducer, "there are two Producer header fields"));
    }
    EntityKey::from_bytes(value.as_bytes())
        .map_err(|_| Fault::new(ErrorCode::BadProducer, "a producer's name is 1 to 256 bytes of UTF-8"))
}

/// Where a message goes: its entity, the places of kind and handler, and its arguments, encoded.
type Resolved = (Address, (usize, usize), Vec<u8>);

/// One stream of messages under way.
struct Bulk {
    edge: Arc<Edge>,
    producer: Producer,
    /// The handlers of messages that are unanswered: places of kind and handler.
    handlers: HashMap<u64, (usize, usize)>,
    /// What was read and not taken yet, and how much of it has no line's end.
    unread: BytesMut,
    searched: usize,
    /// Results that were not written yet.
    written: BytesMut,
    /// Lines read.
    lines: u64,
    /// Messages among them.
    messages: u64,
    /// What a reply is taken to be: as long as the longest of those that came last, or half of what it was taken to be.
    reply_bytes: usize,
}

/// What a stream waits for.
enum Event {
    /// More of the body.
    Read(Bytes),
    /// The body's end.
    End,
    /// Some results.
    Results(Vec<(u64, ProducerAnswer)>),
}

impl Bulk {
    async fn run(mut self, body: Incoming, pieces: Pieces, permit: OwnedSemaphorePermit) {
        let _permit = permit;
        if let Err(fault) = self.work(body, &pieces).await {
            self.wait_for_the_rest().await;
            let fault = fault.resuming(self.producer.lowest_unanswered());
            self.written.extend_from_slice(&fault.into_line());
        }
        // Who sees the end of the stream may open the next one at once: the name is free by then.
        let Self { producer, mut written, .. } = self;
        drop(producer);
        // Whoever reads may have gone.
        if written.is_empty() || pieces.send(written.split().freeze()).await.is_ok() {
            pieces.end().await;
        }
    }

    /// What was sent before the stream broke is answered first, as far as it will be.
    async fn wait_for_the_rest(&mut self) {
        let until = Instant::now() + REST_PATIENCE;
        while self.producer.unanswered() > 0 {
            let producer = &mut self.producer;
            let results = poll_fn(|context| producer.poll_results(context));
            let Ok(Ok(results)) = tokio::time::timeout_at(until, results).await else { return };
            self.write_results(results);
        }
    }

    async fn work(&mut self, mut body: Incoming, pieces: &Pieces) -> Result<(), Fault> {
        let mut stopping = pin!(self.edge.stopping());
        let body_timeout = self.edge.settings.body_timeout;
        let mut patience = pin!(tokio::time::sleep(body_timeout));
        let (mut is_over, mut messages) = (false, 0);
        loop {
            self.take_lines()?;
            if is_over && self.has_room() {
                self.take_last()?;
            }
            // The client's silence counts from the last that either side has said. To send empty lines is to say nothing.
            if self.messages > messages {
                messages = self.messages;
                patience.as_mut().reset(Instant::now() + body_timeout);
            }
            if !self.written.is_empty() && pieces.send(self.written.split().freeze()).await.is_err() {
                // Nobody reads any more; what was sent is applied all the same.
                return Ok(());
            }
            if is_over && self.unread.is_empty() && self.producer.unanswered() == 0 {
                return Ok(());
            }
            // With room, every whole line that was read is taken.
            let (reads, producer) = (!is_over && self.has_room(), &mut self.producer);
            let body = reads.then_some(&mut body);
            match next_event(producer, body, stopping.as_mut(), patience.as_mut(), body_timeout).await? {
                Event::Read(bytes) => self.unread.extend_from_slice(&bytes),
                Event::End => is_over = true,
                Event::Results(results) => {
                    self.write_results(results);
                    patience.as_mut().reset(Instant::now() + body_timeout);
                }
            }
        }
    }

    /// Whether one more message may be under way.
    fn has_room(&self) -> bool {
        let unanswered = self.producer.unanswered();
        let replies_max = (WINDOW_REPLY_BYTES / self.reply_bytes).max(1);
        unanswered < WINDOW.min(replies_max) && self.producer.unanswered_bytes() < WINDOW_BYTES
    }

    /// Takes the whole lines that were read, as far as there is room.
    fn take_lines(&mut self) -> Result<(), Fault> {
        while self.has_room() {
            let Some(end) = self.unread[self.searched..].iter().position(|byte| *byte == b'\n') else {
                self.searched = self.unread.len();
                return self.check_length(self.searched);
            };
            self.check_length(self.searched + end)?;
            let line = self.unread.split_to(self.searched + end);
            self.unread.advance(1);
            self.searched = 0;
            self.take_line(&line)?;
        }
        Ok(())
    }

    /// The next line has so many bytes at least.
    fn check_length(&self, bytes: usize) -> Result<(), Fault> {
        let bytes_max = self.edge.settings.body_bytes_max;
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(Fault::new(ErrorCode::LineTooLong, format!("line {} has more than {bytes_max} bytes", self.lines + 1)))
    }

    /// Takes what stands behind the last line's end.
    fn take_last(&mut self) -> Result<(), Fault> {
        let last = self.unread.split();
        self.searched = 0;
        if last.is_empty() { Ok(()) } else { self.take_line(&last) }
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.lines += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        self.messages += 1;
        let BulkMessage { number, entity, handler, arguments } = serde_json::from_slice::<BulkMessage<&RawValue>>(line)
            .map_err(|error| Fault::new(ErrorCode::BadLine, format!("line {}: {error}", self.lines)))?;
        if !(1..=NUMBER_MAX).contains(&number) {
            let detail = format!("line {}: `number` is 1 to {NUMBER_MAX}, not {number}", self.lines);
            return Err(Fault::new(ErrorCode::BadLine, detail));
        }
        // What cannot be taken ends the stream: were anything behind it sent, its number would be passed over.
        let resolved = self.resolve(entity.parts(), &handler, arguments.map_or("", RawValue::get));
        let (to, places, body) = resolved.map_err(|fault| fault.of_message(number))?;
        let id = self.edge.kinds[places.0].handlers[places.1].id;
        self.producer.offer(number, to, id, body).map_err(|error| producer_fault(&error))?;
        self.handlers.insert(number, places);
        Ok(())
    }

    /// A message as the partition knows it.
    fn resolve(&self, entity: Option<(&str, &str)>, handler: &str, arguments: &str) -> Result<Resolved, Fault> {
        let (kind, key) =
            entity.ok_or_else(|| Fault::new(ErrorCode::BadKey, "an entity is kind and key, such as `stock/tea`"))?;
        let place = self.edge.kind_index(kind)?;
        let row = &self.edge.kinds[place];
        let handler = row.handler(handler)?;
        if handler.mode == apostate_core::Mode::Reads {
            let detail = format!("`{}` only looks; it is asked with GET", handler.name);
            return Err(Fault::new(ErrorCode::ReadIsGet, detail));
        }
        let key = EntityKey::new(key).map_err(|error| Fault::new(ErrorCode::BadKey, error.to_string()))?;
        let body = json::arguments(&handler.arguments, arguments.as_bytes())?;
        let number = row.handlers.iter().position(|other| other.id == handler.id).expect("it was found there");
        Ok((Address::new(KindId::of(row.name), key), (place, number), body))
    }

    fn write_results(&mut self, results: Vec<(u64, ProducerAnswer)>) {
        let length = |(_, result): &(u64, ProducerAnswer)| match result {
            ProducerAnswer::Done { reply } => reply.len(),
            _ => 0,
        };
        let longest = results.iter().map(length).max().unwrap_or(0);
        self.reply_bytes = longest.max(self.reply_bytes / 2).max(1);
        for (number, result) in results {
            self.write_result(number, result);
        }
    }

    fn write_result(&mut self, number: u64, result: ProducerAnswer) {
        let edge = Arc::clone(&self.edge);
        let Some((kind, handler)) = self.handlers.remove(&number) else { return };
        let handler: &HandlerRow = &edge.kinds[kind].handlers[handler];
        let outcome = match result {
            ProducerAnswer::Done { reply } => {
                match json::shown(&handler.reply, &|| format!("the entity of message {number}"), &reply) {
                    Ok(reply) => {
                        self.written.extend_from_slice(format!("{{\"number\":{number},\"result\":\"done\"").as_bytes());
                        if reply != b"null" {
                            self.written.extend_from_slice(b",\"reply\":");
                            self.written.extend_from_slice(&reply);
                        }
                        self.written.extend_from_slice(b"}\n");
                        Outcome::Done
                    }
                    Err(fault) => {
                        let detail = Some(fault.problem().detail.clone());
                        self.write(&BulkResult { detail, ..BulkResult::plain(number, BulkEnding::Done) });
                        Outcome::Done
                    }
                }
            }
            ProducerAnswer::Duplicate => {
                self.write(&BulkResult::plain(number, BulkEnding::Duplicate));
                Outcome::Done
            }
            ProducerAnswer::Accepted => {
                self.write(&BulkResult::plain(number, BulkEnding::Accepted));
                Outcome::Done
            }
            ProducerAnswer::Refused(refusal) => {
                let (code, text) = (Some(refusal.code), Some(refusal.text));
                self.write(&BulkResult { code, text, ..BulkResult::plain(number, BulkEnding::Refused) });
                Outcome::Refused
            }
        };
        edge.meters.count_streamed(handler.meter, outcome);
    }

    fn write(&mut self, result: &BulkResult<()>) {
        let text = serde_json::to_vec(result).expect("a result is plain data");
        self.written.extend_from_slice(&text);
        self.written.extend_from_slice(b"\n");
    }
}

/// What a stream waits for, once it has come; of its body nothing is read without `body`.
async fn next_event(
    producer: &mut Producer,
    mut body: Option<&mut Incoming>,
    mut stopping: Pin<&mut impl Future<Output = ()>>,
    mut patience: Pin<&mut Sleep>,
    body_timeout: Duration,
) -> Result<Event, Fault> {
    poll_fn(|context| {
        if producer.unanswered() > 0
            && let Poll::Ready(results) = producer.poll_results(context)
        {
            return Poll::Ready(results.map(Event::Results).map_err(|error| producer_fault(&error)));
        }
        if stopping.as_mut().poll(context).is_ready() {
            let detail = "the node stops; what is not answered is sent again after the next start";
            return Poll::Ready(Err(Fault::new(ErrorCode::NotReady, detail)));
        }
        let Some(body) = body.as_deref_mut() else { return Poll::Pending };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(match frame {
                None => Ok(Event::End),
                Some(Ok(frame)) => Ok(Event::Read(frame.into_data().unwrap_or_default())),
                Some(Err(error)) => Err(broken(&error)),
            });
        }
        // As long as answers are owed to it, it may well be the client that waits.
        if producer.unanswered() == 0 && patience.as_mut().poll(context).is_ready() {
            let detail = format!("no further line arrived within {body_timeout:?}");
            return Poll::Ready(Err(Fault::new(ErrorCode::RequestTimeout, detail)));
        }
        Poll::Pending
    })
    .await
}

/// Why a stream does not go on.
fn producer_fault(error: &ProducerError) -> Fault {
    let code = match error {
        ProducerError::InUse { .. } => ErrorCode::ProducerInUse,
        ProducerError::Key(_) => ErrorCode::BadKey,
        ProducerError::Unfit { number, failure } => {
            return Fault::of_failure(failure, &|| "the node".to_owned()).of_message(*number);
        }
        ProducerError::NotAscending { .. } => ErrorCode::NumbersNotAscending,
        ProducerError::Forgotten { .. } => ErrorCode::ProducerForgotten,
        ProducerError::Broken { .. } => ErrorCode::StreamBroken,
    };
    Fault::new(code, error.to_string())
}

//! Calls, looks and states: one entity, one answer. This is the way that nearly every request takes.

mod ask;
mod recall;

use std::time::Instant;

use apostate_api::ErrorCode;
use apostate_core::{Address, EntityKey, HandlerId, Mode};
use apostate_partition::{Request, RequestKind};
use hyper::body::Incoming;
use hyper::header::{ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response, StatusCode};

use crate::answers::owed::Waits;
use crate::http::blocking::blocking;
use crate::http::body;
use crate::http::call_options::CallOptions;
pub(crate) use crate::http::calls::ask::Calls;
use crate::http::calls::ask::EntityReply;
use crate::http::calls::recall::{CallNames, done_earlier};
use crate::http::digest::digest;
use crate::http::edge::{self, HandlerRow, KindRow};
use crate::http::fault::Fault;
use crate::http::json::{arguments, entity_text, shown};
use crate::http::meters::{Meters, Outcome};
use crate::http::query;
use crate::http::reply::{IDEMPOTENCY_REPLAYED, Reply, json};
use crate::http::route::method_of;
use crate::random;

/// JSON longer than this is read and written where no connection waits for it.
const LONG_JSON_BYTES: usize = 128 << 10;

/// The header field of versions.
const ENTITY_VERSION: HeaderName = HeaderName::from_static("entity-version");
/// The header field that says which preference was heeded.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Counts a request when it ends, also if its caller does not wait for that.
struct Counting<'a> {
    meters: &'a Meters,
    meter: usize,
    began: Instant,
    outcome: Outcome,
}

impl<'a> Counting<'a> {
    fn begin(calls: &Calls<'a>, meter: usize) -> Self {
        Self { meters: &calls.edge.meters, meter, began: calls.began, outcome: Outcome::Gone }
    }

    fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.meters.count(self.meter, self.outcome, self.began.elapsed());
    }
}

impl Calls<'_> {
    /// `/entities/{kind}/{key}/{handler}`.
    pub(crate) async fn handler(
        self,
        parts: &Parts,
        (kind, key, handler): (&str, &str, &str),
        body: &mut Option<Incoming>,
    ) -> Result<Response<Reply>, Fault> {
        let names = CallNames { kind, handler, key };
        let found = self.edge.kind(kind).and_then(|kind| Ok((kind, kind.handler(handler)?)));
        let (kind, handler) = match found {
            Ok(found) => found,
            Err(fault) => return Err(self.unless_done(parts, &names, body, fault).await),
        };
        let counting = Counting::begin(&self, handler.meter);
        let answer = match (handler.mode, &parts.method) {
            (Mode::Changes, &Method::POST) => self.call(parts, kind, handler, key, body).await,
            (Mode::Reads, &Method::GET | &Method::HEAD) => self.read(parts, kind, handler, key).await,
            (Mode::Changes, _) => Err(Fault::new(
                ErrorCode::ChangesIsPost,
                format!("`{}` may change its {}: it is called with POST", handler.name, kind.name),
            )
            .allowing([&method_of(handler.mode)])),
            (Mode::Reads, _) => {
                let detail = format!("`{}` only looks at its {}: it is asked with GET", handler.name, kind.name);
                let fault = Fault::new(ErrorCode::ReadIsGet, detail).allowing([&method_of(handler.mode)]);
                Err(self.unless_done(parts, &names, body, fault).await)
            }
        };
        self.end(parts, counting, answer.as_ref().err()).await;
        answer
    }

    /// Counts how a request ended, and lets its caller wait if it is turned away.
    async fn end(self, parts: &Parts, counting: Counting<'_>, fault: Option<&Fault>) {
        let outcome = fault.map_or(Outcome::Done, Fault::outcome);
        counting.end(outcome);
        if outcome == Outcome::Busy {
            let deadline = self.options(parts).ok().and_then(|options| options.deadline);
            self.edge.rejections.wait(self.edge.stopping(), deadline).await;
        }
    }

    async fn call(
        self,
        parts: &Parts,
        kind: &KindRow,
        handler: &HandlerRow,
        key: &str,
        body: &mut Option<Incoming>,
    ) -> Result<Response<Reply>, Fault> {
        let to = Address::new(kind.id, edge::key(key)?);
        // Whoever sends one would believe that it matters.
        query::Query::only(parts.uri.query().unwrap_or_default(), &[])?;
        let CallOptions { client_key, is_async, deadline } = self.options(parts)?;
        let waits = if is_async { Waits::ForCommit } else { Waits::ForAnswer };
        let (body, _share) = match body {
            Some(body) => body::read(body, self.edge).await?,
            None => Default::default(),
        };
        if !body.is_empty() {
            body::check_type(&parts.headers)?;
        }
        let (form, has_key) = (handler.arguments, client_key.is_some());
        let read = move |body: &[u8]| (arguments(&form, body), if has_key { digest(body) } else { None });
        let (arguments, digest) = match body.len() > LONG_JSON_BYTES {
            false => read(&body),
            true => blocking(move || read(&body)).await?,
        };
        let name = to.key().clone();
        let answered = match (arguments, client_key) {
            (Ok(arguments), key) => {
                // Who waits for an answer asks for it by a key.
                let key = key.or_else(|| handler.answers_later.then(random::client_key));
                let request = Request::new(to, handler.id, arguments, RequestKind::Call { key });
                self.ask(kind.name, Request { digest, ..request }, deadline, waits).await?
            }
            (Err(fault), None) => return Err(fault),
            // Another build may have taken them, and what it did is not denied.
            (Err(fault), Some(key)) => {
                let request = Request::new(to, handler.id, Vec::new(), RequestKind::Recall { key });
                match self.recall(kind.name, Request { digest, ..request }, deadline).await? {
                    Some(answered) if digest.is_some() => answered,
                    Some(_) => return Err(done_earlier(kind.name, &name)),
                    None => return Err(fault),
                }
            }
        };
        let mut response = if is_async {
            let mut response = Response::new(Reply::nothing());
            *response.status_mut() = StatusCode::ACCEPTED;
            response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"));
            response
        } else {
            let shown = self.shown(kind, handler, name, answered.reply, true).await;
            json(shown.map_err(|fault| fault.repeated(answered.is_repeated))?)
        };
        response.headers_mut().insert(ENTITY_VERSION, HeaderValue::from(answered.version));
        if answered.is_repeated {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    async fn read(
        self,
        parts: &Parts,
        kind: &KindRow,
        handler: &HandlerRow,
        key: &str,
    ) -> Result<Response<Reply>, Fault> {
        let to = Address::new(kind.id, edge::key(key)?);
        let options = self.options(parts)?;
        let name = to.key().clone();
        let query = query::Query::of(parts.uri.query().unwrap_or_default())?;
        let arguments = query.arguments(&handler.argument_types, |json| arguments(&handler.arguments, json))?;
        let answered = self
            .ask(
                kind.name,
                Request::new(to, handler.id, arguments, RequestKind::Read),
                options.deadline,
                Waits::ForAnswer,
            )
            .await?;
        let EntityReply { reply, version, is_repeated: _ } = answered;
        let mut response = json(self.shown(kind, handler, name, reply, false).await?);
        response.headers_mut().insert(ENTITY_VERSION, HeaderValue::from(version));
        Ok(response)
    }

    /// `/entities/{kind}/{key}`.
    pub(crate) async fn state(self, parts: &Parts, kind: &str, key: &str) -> Result<Response<Reply>, Fault> {
        let kind = self.edge.kind(kind)?;
        let counting = Counting::begin(&self, kind.meter);
        let answer = self.read_state(parts, kind, key).await;
        self.end(parts, counting, answer.as_ref().err()).await;
        answer
    }

    async fn read_state(self, parts: &Parts, kind: &KindRow, key: &str) -> Result<Response<Reply>, Fault> {
        let to = Address::new(kind.id, edge::key(key)?);
        let options = self.options(parts)?;
        let name = to.key().clone();
        let request = Request::new(to, HandlerId(0), Vec::new(), RequestKind::State);
        let answered = self.ask(kind.name, request, options.deadline, Waits::ForAnswer).await?;
        let EntityReply { reply: state, version, is_repeated: _ } = answered;
        let etag = format!("\"{version}\"");
        let mut response = if is_known(&parts.headers, &etag) {
            let mut response = Response::new(Reply::nothing());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let (kind, show) = (kind.name, kind.show_state);
            json(self.written(state, false, move |state| entity_text(kind, show, name.as_str(), version, state)).await?)
        };
        let etag = HeaderValue::try_from(etag).expect("digits in quotes");
        response.headers_mut().insert(ETAG, etag);
        response.headers_mut().insert(ENTITY_VERSION, HeaderValue::from(version));
        Ok(response)
    }

    /// A reply as an answer.
    async fn shown(
        self,
        kind: &KindRow,
        handler: &HandlerRow,
        key: EntityKey,
        reply: Vec<u8>,
        is_done: bool,
    ) -> Result<Reply, Fault> {
        let (json, kind) = (handler.reply, kind.name);
        self.written(reply, is_done, move |reply| shown(&json, &|| format!("{kind}/{key}"), reply)).await
    }

    /// Has `write` make an answer of what an entity `said`: a long one where no connection waits for it, and within the memory
    /// that there is for long ones. The answer to something that was done cannot be refused any more, however long it is.
    async fn written(
        self,
        said: Vec<u8>,
        is_done: bool,
        write: impl FnOnce(&[u8]) -> Result<Vec<u8>, Fault> + Send + 'static,
    ) -> Result<Reply, Fault> {
        let share = |bytes| match is_done {
            true => Ok(self.edge.budget.overdraw(bytes)),
            false => self.edge.budget.take(bytes).ok_or_else(Fault::no_room),
        };
        let text = if said.len() <= LONG_JSON_BYTES {
            write(&said)?
        } else {
            // It waits for its turn, and is in memory meanwhile.
            let _waiting = share(said.len())?;
            blocking(move || {
                let mut text = write(&said)?;
                // It may be kept for as long as its reader takes.
                text.shrink_to_fit();
                Ok::<_, Fault>(text)
            })
            .await??
        };
        Reply::within(text, share)
    }
}

/// Whether the client says that it has the version `etag`.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}

//! The door: every request comes in here, is looked at, and goes to whoever answers it.
//!
//! Requests for entities are nearly all there are: they are told apart by hand and answered without a box or a string that
//! is not needed. Everything else goes through the router.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use apostate_api::ErrorCode;
use apostate_partition::TraceContext;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::{delete, get, post};
use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, EXPECT, HOST};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, Version};
use tower_service::Service as _;

use crate::http::body;
use crate::http::calls::Calls;
use crate::http::dispatcher::Dispatcher;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::messages::messages;
use crate::http::origin::is_sent_by_a_page;
use crate::http::path::{Target, percent_decoded, route_of};
use crate::http::pulse::{Pulse, Service};
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::{call_options, lists, operators, parked};
use crate::traces::request::FollowedRequest;

/// The way in for the connections of one thread.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) edge: Arc<Edge>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    router: Router,
}

impl Door {
    pub(crate) fn new(edge: Arc<Edge>, dispatcher: Arc<Dispatcher>) -> Self {
        let router = Router::new()
            .route("/", get(operators::welcome))
            .route("/errors/{code}", get(operators::explain))
            .route("/health", get(operators::health))
            .route("/metrics", get(operators::metrics))
            .route("/openapi.json", get(operators::describe))
            .route("/parked", get(parked::list))
            .route("/parked/{id}", delete(parked::dismiss).get(parked::show))
            .route("/parked/{id}/retry", post(parked::retry))
            .route("/partitions", get(operators::partitions))
            .route("/ready", get(operators::ready))
            .fallback(no_path)
            .method_not_allowed_fallback(no_method)
            .with_state(Arc::clone(&edge));
        Self { edge, dispatcher, router }
    }

    /// Answers one request.
    pub(crate) async fn enter(
        self: Arc<Self>,
        pulse: Arc<Pulse>,
        request: Request<Incoming>,
    ) -> Result<Response<Reply>, Infallible> {
        let service = pulse.serve();
        let (parts, body) = request.into_parts();
        let mut body = Some(body);
        let (answer, followed) = match self.check(&parts, parts.uri.path()) {
            Err(fault) => (Err(fault), None),
            Ok(()) => {
                let followed = self.follow(&parts);
                let context = followed.as_ref().map(FollowedRequest::context);
                (self.answer(&parts, &mut body, service, context).await, followed)
            }
        };
        // Whoever is told no before all was read would miss it, and not know whether anything was done.
        if let (Err(fault), Some(body)) = (&answer, &mut body)
            && !(body.is_end_stream() || self.edge.is_stopping())
            && (fault.is(ErrorCode::BodyTooLarge) || !parts.headers.contains_key(EXPECT))
        {
            body::let_go(body).await;
        }
        let response = answer.unwrap_or_else(|fault| fault.about(parts.uri.path()).into_response());
        let status = response.status().as_u16();
        self.edge.meters.answered(status);
        if let Some(followed) = followed {
            followed.end(status);
        }
        Ok(response)
    }

    /// Follows a request for entities that has been let in, if it is to be followed. What a stream brings is followed message by message.
    fn follow(&self, parts: &Parts) -> Option<FollowedRequest> {
        let traces = self.edge.shared.traces.as_ref()?;
        parts.uri.path().starts_with("/entities/").then(|| FollowedRequest::begin(traces, parts, route_of))?
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: &mut Option<Incoming>,
        service: Service,
        followed: Option<TraceContext>,
    ) -> Result<Response<Reply>, Fault> {
        let path = parts.uri.path();
        let calls = Calls { edge: &self.edge, dispatcher: &self.dispatcher, began: Instant::now(), followed };
        let target = Target::of(path);
        if takes_no_query(target, path) {
            Query::only(parts.uri.query().unwrap_or_default(), &[])?;
        }
        match target {
            Some(Target::Handler(kind, key, handler)) => calls.handler(parts, (kind, key, handler), body).await,
            Some(Target::Entity(kind, key)) => calls.state(parts, kind, key).await,
            Some(Target::Kind(kind)) => lists::list_kind(&self.edge, parts, kind, service).await,
            None if path == "/messages" => messages(&self.edge, parts, body, service),
            None => self.route(parts, service).await,
        }
    }

    /// What has to hold before anything is read.
    fn check(&self, parts: &Parts, path: &str) -> Result<(), Fault> {
        let settings = &self.edge.settings;
        let (fields, bytes) = (parts.headers.len(), call_options::header_bytes(&parts.headers));
        if fields > settings.headers_max || bytes > settings.header_bytes_max {
            let detail = format!(
                "{fields} header fields of {bytes} bytes; {} of {} are allowed",
                settings.headers_max, settings.header_bytes_max
            );
            return Err(Fault::new(ErrorCode::HeadersTooLarge, detail).closing());
        }
        // Of two names the node and a proxy before it could each go by another.
        let hosts = parts.headers.get_all(HOST).iter().count();
        if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
            let detail = format!("a request names its `Host` once, and this one has {hosts} of these header fields");
            return Err(Fault::new(ErrorCode::BadHeader, detail).closing());
        }
        if settings.token.is_none() && !settings.insecure && is_sent_by_a_page(&parts.headers) {
            let detail = "a page of another site may have sent this; ask by address, or start the node with a token";
            return Err(Fault::new(ErrorCode::ForeignOrigin, detail).closing());
        }
        let authorization = parts.headers.get(AUTHORIZATION);
        if self.edge.admits(authorization.map(hyper::header::HeaderValue::as_bytes)) || is_for_everybody(path) {
            return Ok(());
        }
        Err(match authorization {
            None => Fault::new(ErrorCode::TokenMissing, "this node wants `Authorization: Bearer TOKEN`"),
            Some(_) => Fault::new(ErrorCode::TokenWrong, "the token is not the one that this node was started with"),
        })
    }

    /// Nobody behind the router reads a body.
    async fn route(&self, parts: &Parts, service: Service) -> Result<Response<Reply>, Fault> {
        if percent_decoded(parts.uri.path()).and_then(|path| String::from_utf8(path).ok()).is_none() {
            return Err(Fault::new(ErrorCode::PathUnknown, "the path is not percent-encoded UTF-8"));
        }
        let request = Request::from_parts(parts.clone(), axum::body::Body::empty());
        let answer = self.router.clone().call(request).await;
        let mut response = answer.unwrap_or_else(|never: Infallible| match never {});
        if let Some(fault) = response.extensions_mut().remove::<Fault>() {
            return Err(fault);
        }
        Ok(response.map(|body| Reply::Routed(body, service)))
    }
}

/// Paths that tell everybody no more than that there is a node, and what its errors mean.
fn is_for_everybody(path: &str) -> bool {
    matches!(path, "/" | "/health" | "/ready") || path.starts_with("/errors/")
}

/// Where whoever sends a parameter would believe that it matters, and it does not: `?limit=5` for partitions. Probes may ask for
/// health and metrics as they like.
fn takes_no_query(target: Option<Target<'_>>, path: &str) -> bool {
    matches!(target, Some(Target::Entity(..)))
        || matches!(path, "/messages" | "/partitions")
        || path.starts_with("/parked/")
}

async fn no_path(uri: Uri) -> Fault {
    let detail = format!("there is nothing at `{}`; `/` says what there is", uri.path());
    Fault::new(ErrorCode::PathUnknown, detail)
}

async fn no_method(State(_): State<Arc<Edge>>, method: Method, uri: Uri) -> Fault {
    let allow = match uri.path().strip_prefix("/parked/") {
        Some(id) if id.ends_with("/retry") => "POST",
        Some(_) => "GET, HEAD, DELETE",
        None => "GET, HEAD",
    };
    let detail = format!("`{}` does not know {method}", uri.path());
    Fault::new(ErrorCode::MethodNotAllowed, detail).allowing(allow)
}

//! The HTTP service: checks each request of a thread's connections and dispatches it to the code that answers it.
//!
//! Nearly all requests are for entities: their paths are taken apart by hand, and they are answered without a box or a string
//! that is not needed. Everything else is looked up in the route table.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use apostate_api::ErrorCode;
use apostate_partition::TraceContext;
use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, EXPECT, HOST};
use hyper::http::request::Parts;
use hyper::{Request, Response, Version};

use crate::http::activity::{ActiveRequest, ConnectionActivity};
use crate::http::calls::Calls;
use crate::http::dispatcher::Dispatcher;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::origin::is_sent_by_a_page;
use crate::http::path::{Target, route_of};
use crate::http::reply::Reply;
use crate::http::route::{self, NodeRequest, RouteTarget};
use crate::http::routes::{ACTIVITIES, LIST, ROUTES, STATE};
use crate::http::{body, call_options, cors, lists, partners};
use crate::traces::request::TracedRequest;

/// The entry point for the requests of one thread's connections.
#[derive(Clone)]
pub(crate) struct HttpService {
    pub(crate) edge: Arc<Edge>,
    pub(crate) dispatcher: Arc<Dispatcher>,
}

impl HttpService {
    pub(crate) fn new(edge: Arc<Edge>, dispatcher: Arc<Dispatcher>) -> Self {
        Self { edge, dispatcher }
    }

    /// Answers one request.
    pub(crate) async fn serve(
        self: Arc<Self>,
        activity: Arc<ConnectionActivity>,
        request: Request<Incoming>,
    ) -> Result<Response<Reply>, Infallible> {
        let active = activity.serve();
        let (parts, body) = request.into_parts();
        let mut body = Some(body);
        let origin = cors::allowed(&parts.headers, &self.edge.settings.cors_origins);
        if let Some(response) = cors::preflight(&parts, origin.as_ref()) {
            self.edge.meters.answered(response.status().as_u16());
            return Ok(response);
        }
        let (answer, followed) = match self.check(&parts, parts.uri.path(), origin.is_some()) {
            Err(fault) => (Err(fault), None),
            Ok(()) => {
                let followed = self.follow(&parts);
                let context = followed.as_ref().map(TracedRequest::context);
                (self.answer(&parts, &mut body, active, context).await, followed)
            }
        };
        // A client whose body was not read would miss the error, and not know whether anything was done.
        if let (Err(fault), Some(body)) = (&answer, &mut body)
            && !(body.is_end_stream() || self.edge.is_stopping())
            && (fault.is(ErrorCode::BodyTooLarge) || !parts.headers.contains_key(EXPECT))
        {
            body::drain(body).await;
        }
        let mut response = answer.unwrap_or_else(|fault| fault.about(parts.uri.path()).into_response());
        if let Some(origin) = &origin {
            cors::show_to(response.headers_mut(), origin);
        }
        let status = response.status().as_u16();
        self.edge.meters.answered(status);
        if let Some(followed) = followed {
            followed.end(status);
        }
        Ok(response)
    }

    /// Follows a request for entities that has been let in, if it is to be followed. What a stream brings is followed message by message.
    fn follow(&self, parts: &Parts) -> Option<TracedRequest> {
        let traces = self.edge.shared.traces.as_ref()?;
        parts.uri.path().starts_with("/entities/").then(|| TracedRequest::begin(traces, parts, route_of))?
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: &mut Option<Incoming>,
        active: ActiveRequest,
        followed: Option<TraceContext>,
    ) -> Result<Response<Reply>, Fault> {
        let calls = Calls { edge: &self.edge, dispatcher: &self.dispatcher, began: Instant::now(), followed };
        match Target::of(parts.uri.path()) {
            // A handler of this name may change its entity, and is called with another method.
            Some(Target::Handler(kind, key, apostate_core::ACTIVITIES)) if ACTIVITIES.takes(&parts.method) => {
                let query = ACTIVITIES.query(parts)?;
                partners::list(&self.edge, parts, (kind, key), &query).await
            }
            // Which method and which query it takes, the handler says.
            Some(Target::Handler(kind, key, handler)) => calls.handler(parts, (kind, key, handler), body).await,
            Some(Target::Entity(kind, key)) => {
                STATE.check(parts)?;
                calls.state(parts, kind, key).await
            }
            Some(Target::Kind(kind)) => {
                let query = LIST.check(parts)?;
                lists::list_kind(&self.edge, parts, kind, &query, active).await
            }
            None => self.answer_of_node(parts, body, active).await,
        }
    }

    async fn answer_of_node(
        &self,
        parts: &Parts,
        body: &mut Option<Incoming>,
        active: ActiveRequest,
    ) -> Result<Response<Reply>, Fault> {
        let (route, name) = route::find(ROUTES, parts)?;
        let RouteTarget::Node(answer) = route.target else { unreachable!("paths of entities were told apart before") };
        let query = route.query(parts)?;
        answer(NodeRequest { edge: &self.edge, routes: ROUTES, parts, body, name, query, active }).await
    }

    /// Checks what has to hold before anything is read: the header fields, where the request comes from, and its token.
    fn check(&self, parts: &Parts, path: &str, is_origin_allowed: bool) -> Result<(), Fault> {
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
        if settings.token.is_none() && !settings.insecure && is_sent_by_a_page(&parts.headers, is_origin_allowed) {
            let detail =
                "a page of another site may have sent this; ask by address, or name its origin in `cors-origins`";
            return Err(Fault::new(ErrorCode::ForeignOrigin, detail).closing());
        }
        let mut tokens = parts.headers.get_all(AUTHORIZATION).iter();
        let authorization = tokens.next();
        if tokens.next().is_some() {
            let detail = "a request says its `Authorization` once, and this one has more of these header fields";
            return Err(Fault::new(ErrorCode::BadHeader, detail).closing());
        }
        if self.edge.admits(authorization.map(hyper::header::HeaderValue::as_bytes))
            || route::is_for_everybody(ROUTES, path)
        {
            return Ok(());
        }
        Err(match authorization {
            None => Fault::new(ErrorCode::TokenMissing, "this node wants `Authorization: Bearer TOKEN`"),
            Some(_) => Fault::new(ErrorCode::TokenWrong, "the token is not the one that this node was started with"),
        })
    }
}

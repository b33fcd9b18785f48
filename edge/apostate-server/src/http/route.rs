//! One route: a method at a path, with everything that is said of it and the function that answers it.
//!
//! The table of all routes is `routes`. From it come the dispatch of requests, `Allow` and 405, which paths need the token,
//! which query parameters are taken, the node's part of the OpenAPI document, and the page `/`.

use std::pin::Pin;
use std::sync::Arc;

use apostate_api::ErrorCode;
use apostate_core::{Mode, SchemaOf};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Response};

use crate::http::activity::ActiveRequest;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::path::decoded_text;
use crate::http::query::Query;
use crate::http::reply::Reply;

/// One route.
pub(crate) struct Route {
    /// The method. GET stands for HEAD too.
    pub(crate) method: Method,
    /// The path. `{…}` stands for one segment.
    pub(crate) path: &'static str,
    /// Who may ask.
    pub(crate) access: RouteAccess,
    /// The parameters that may stand in the query.
    pub(crate) query: QueryRule,
    /// The header fields that the route goes by, besides those of every request.
    pub(crate) headers: &'static [HeaderField],
    /// The name of the operation.
    pub(crate) name: &'static str,
    /// One sentence about it. `{kind}` stands for the name of a kind.
    pub(crate) summary: &'static str,
    /// More about it, if there is more to say.
    pub(crate) description: &'static str,
    /// The body of its request, if it takes one.
    pub(crate) body: Option<RequestBody>,
    /// Its answer when it does what it is asked.
    pub(crate) success: Success,
    /// The problems that it may answer with, besides those of every route.
    pub(crate) codes: &'static [&'static [ErrorCode]],
    /// The code that answers it.
    pub(crate) target: RouteTarget,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteAccess {
    /// Everybody: the answer tells no more than that there is a node, and what its errors mean.
    Everybody,
    /// Callers with the node's token, if it has one.
    TokenHolders,
}

/// The parameters that may stand in a route's query.
pub(crate) enum QueryRule {
    /// These, each once. Any other is refused: its sender would believe that it matters.
    Only(&'static [QueryParameter]),
    /// Any, unread: probes may send what they like.
    Ignored,
    /// The arguments of a handler.
    Arguments,
}

/// A query parameter of the node's own.
#[derive(Clone, Copy)]
pub(crate) enum QueryParameter {
    /// The cursor of the page before.
    After,
    /// The length of a page, described by these words.
    Limit(&'static str),
    /// The one partner that is asked for.
    Partner,
    /// Which agreements are listed.
    AgreementState,
    /// The kind of entities that is listed.
    Kind,
}

/// A header field that a route goes by.
#[derive(Clone, Copy)]
pub(crate) enum HeaderField {
    /// `Deadline-Ms`.
    Deadline,
    /// `Idempotency-Key`.
    ClientKey,
    /// `If-None-Match`.
    KnownVersion,
    /// `Prefer`.
    Prefer,
    /// `Producer`.
    Producer,
    /// `traceparent`.
    TraceParent,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(crate) enum RequestBody {
    /// The arguments of a handler.
    Arguments,
    /// JSON of this type.
    Json(SchemaOf),
    /// Lines of JSON of this type, with words about a line.
    Lines(&'static str, SchemaOf),
}

/// The answer of a route that does what it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Content,
    /// Operations that a client may go on with: the name of the link, and of the operation.
    pub(crate) links: &'static [(&'static str, &'static str)],
}

/// The content of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    Nothing,
    /// Text of this media type.
    Text(&'static str),
    /// JSON of this type.
    Json(SchemaOf),
    /// A page of items of this type.
    Page(SchemaOf),
    /// Lines of JSON of this type, with words about a line.
    Lines(&'static str, SchemaOf),
    /// Types of the application: described kind by kind.
    OfTheKind,
}

impl Success {
    pub(crate) const fn nothing(description: &'static str) -> Self {
        Self { status: 204, ..Self::with(description, Content::Nothing) }
    }

    pub(crate) const fn text(description: &'static str, media_type: &'static str) -> Self {
        Self::with(description, Content::Text(media_type))
    }

    pub(crate) const fn json(description: &'static str, schema: SchemaOf) -> Self {
        Self::with(description, Content::Json(schema))
    }

    pub(crate) const fn page(description: &'static str, item: SchemaOf) -> Self {
        Self::with(description, Content::Page(item))
    }

    pub(crate) const fn lines(description: &'static str, line: &'static str, schema: SchemaOf) -> Self {
        Self::with(description, Content::Lines(line, schema))
    }

    pub(crate) const fn of_the_kind(description: &'static str) -> Self {
        Self::with(description, Content::OfTheKind)
    }

    const fn with(description: &'static str, content: Content) -> Self {
        Self { status: 200, description, content, links: &[] }
    }
}

/// The code that answers a route.
pub(crate) enum RouteTarget {
    /// The list of a kind.
    List,
    /// The state of an entity.
    State,
    /// The partners of an entity.
    Activities,
    /// A handler that may change its entity.
    Call,
    /// A handler that only reads.
    Read,
    /// The node itself.
    Node(NodeHandler),
}

/// A function that answers for the node itself. These are asked now and then, so a box for each is cheap.
pub(crate) type NodeHandler = for<'a> fn(NodeRequest<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// The answer of a route.
pub(crate) type Answer = Result<Response<Reply>, Fault>;

/// A request for the node itself.
pub(crate) struct NodeRequest<'a> {
    pub(crate) edge: &'a Arc<Edge>,
    pub(crate) routes: &'static [Route],
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a mut Option<Incoming>,
    /// The segment that stands for `{…}`, decoded; empty for a path without one.
    pub(crate) name: String,
    /// The query, as its rule allows it; empty if it is ignored.
    pub(crate) query: Query,
    /// Dropped at the end of a streamed answer.
    pub(crate) active: ActiveRequest,
}

impl Route {
    /// Whether the route answers this method.
    pub(crate) fn takes(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }

    /// The segment of `path` that stands for `{…}`, empty if there is none. None: `path` is another one.
    fn matched<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (mut pattern, mut segments, mut name) = (self.path.split('/'), path.split('/'), "");
        loop {
            match (pattern.next(), segments.next()) {
                (None, None) => return Some(name),
                (Some(place), Some(segment)) if place.starts_with('{') && !segment.is_empty() => name = segment,
                (Some(place), Some(segment)) if place == segment => {}
                _ => return None,
            }
        }
    }

    /// The query of a request, as the route's rule allows it.
    pub(crate) fn query(&self, parts: &Parts) -> Result<Query, Fault> {
        match self.query {
            QueryRule::Ignored | QueryRule::Arguments => Ok(Query::default()),
            QueryRule::Only(parameters) => {
                let known: Vec<_> = parameters.iter().map(|parameter| parameter.name()).collect();
                Query::only(parts.uri.query().unwrap_or_default(), &known)
            }
        }
    }

    /// Checks the method of a request whose path is known to be the route's, and reads its query.
    pub(crate) fn check(&self, parts: &Parts) -> Result<Query, Fault> {
        if !self.takes(&parts.method) {
            return Err(wrong_method(parts, [self].into_iter()));
        }
        self.query(parts)
    }
}

impl QueryParameter {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Limit(_) => "limit",
            Self::Partner => "partner",
            Self::AgreementState => "state",
            Self::Kind => "kind",
        }
    }
}

/// The route of a request, and the segment that stands for its `{…}`.
pub(crate) fn find(routes: &'static [Route], parts: &Parts) -> Result<(&'static Route, String), Fault> {
    let path = parts.uri.path();
    let there = || routes.iter().filter_map(|route| Some((route, route.matched(path)?)));
    if there().next().is_none() {
        let detail = format!("there is nothing at `{path}`; `/` says what there is");
        return Err(Fault::new(ErrorCode::PathUnknown, detail));
    }
    let found = there().find(|(route, _)| route.takes(&parts.method));
    let (route, name) = found.ok_or_else(|| wrong_method(parts, there().map(|(route, _)| route)))?;
    let name = decoded_text(name)
        .ok_or_else(|| Fault::new(ErrorCode::PathUnknown, format!("`{path}` is not percent-encoded UTF-8")))?;
    Ok((route, name))
}

/// Whether `path` is answered to callers without a token.
pub(crate) fn is_for_everybody(routes: &[Route], path: &str) -> bool {
    routes.iter().any(|route| route.access == RouteAccess::Everybody && route.matched(path).is_some())
}

fn wrong_method<'r>(parts: &Parts, there: impl Iterator<Item = &'r Route>) -> Fault {
    let detail = format!("`{}` does not know {}", parts.uri.path(), parts.method);
    Fault::new(ErrorCode::MethodNotAllowed, detail).allowing(there.map(|route| &route.method))
}

/// The method of a handler.
pub(crate) fn method_of(mode: Mode) -> Method {
    match mode {
        Mode::Changes => Method::POST,
        Mode::Reads => Method::GET,
    }
}

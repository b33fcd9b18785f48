//! The route table: the one list of what a node answers. To add a route is to add one entry here.
//!
//! Who reads it: `service` dispatches by it, `openapi` describes it, `operators` shows it at `/`. Its paths are those of
//! [`apostate_api::paths`], which the client is built from.

mod agreements;
mod codes;

use apostate_api::{BulkMessage, BulkResult, ErrorCode, Health, NodeStatus, ParkedItem, paths};
use apostate_core::schema;
use hyper::Method;

use crate::http::messages::messages;
use crate::http::route::{
    HeaderField, QueryParameter, QueryRule, RequestBody, Route, RouteAccess, RouteTarget, Success,
};
use crate::http::routes::agreements::{AGREEMENT, AGREEMENT_FORGET, AGREEMENT_SETTLE, AGREEMENTS};
use crate::http::routes::codes::{
    OF_CALLS, OF_DISMISSALS, OF_ENTITIES, OF_LISTS, OF_MESSAGES, OF_OPERATORS, OF_PARKED_CHANGED, OF_PARTNERS,
    OF_READS, OF_RETRIES,
};
use crate::http::{operators, parked};

/// All routes, in the order of the page `/`.
pub(crate) static ROUTES: &[Route] = &[
    LIST,
    STATE,
    ACTIVITIES,
    CALL,
    READ,
    Route {
        method: Method::POST,
        path: paths::MESSAGES,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[]),
        headers: &[HeaderField::Producer, HeaderField::TraceParent],
        name: "messages",
        summary: "Takes numbered messages, one a line, and streams one result a line.",
        description: "A producer numbers its messages, in ascending order from 1. What was applied under a number is not \
                applied again, so a stream that broke is sent again from the first number without a result. A message that \
                cannot be taken ends the stream, and nothing behind it is taken: right it, and send again from it on. A \
                number that is left out is left out for ever.",
        body: Some(RequestBody::Lines(
            "A line of JSON for each message: `apostate.BulkMessage`.",
            schema::of::<BulkMessage>,
        )),
        success: Success::lines(
            "A result for each message, when it is durable.",
            "A line of JSON for each message, `apostate.BulkResult`; a last one that is a problem says from which number to \
                 send again.",
            schema::of::<BulkResult>,
        ),
        codes: &[OF_MESSAGES],
        target: RouteTarget::Node(|request| Box::pin(async { messages(request) })),
    },
    AGREEMENTS,
    AGREEMENT,
    AGREEMENT_FORGET,
    AGREEMENT_SETTLE,
    Route {
        method: Method::GET,
        path: paths::PARKED,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[QueryParameter::After, QueryParameter::Limit("Most messages of the page.")]),
        headers: &[HeaderField::Deadline],
        name: "parked",
        summary: "Lists the messages that were given up on.",
        description: "By kind, then in the order of the ring; of one entity the oldest first.",
        body: None,
        success: Success {
            links: &[("show", "parked.show"), ("retry", "parked.retry")],
            ..Success::page("A page.", schema::of::<ParkedItem>)
        },
        codes: &[OF_OPERATORS, &[ErrorCode::BadCursor]],
        target: RouteTarget::Node(|request| Box::pin(parked::list(request))),
    },
    Route {
        method: Method::GET,
        path: paths::PARKED_MESSAGE,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[]),
        headers: &[HeaderField::Deadline],
        name: "parked.show",
        summary: "Shows a parked message.",
        description: "",
        body: None,
        success: Success::json("The message.", schema::of::<ParkedItem>),
        codes: &[OF_OPERATORS, &[ErrorCode::ParkedMissing]],
        target: RouteTarget::Node(|request| Box::pin(parked::show(request))),
    },
    Route {
        method: Method::DELETE,
        path: paths::PARKED_MESSAGE,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[]),
        headers: &[HeaderField::Deadline],
        name: "parked.dismiss",
        summary: "Drops a parked message for ever.",
        description: "",
        body: None,
        success: Success::nothing("It is gone for ever, unapplied."),
        codes: &[OF_PARKED_CHANGED, OF_DISMISSALS],
        target: RouteTarget::Node(|request| Box::pin(parked::dismiss(request))),
    },
    Route {
        method: Method::POST,
        path: paths::PARKED_RETRY,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[]),
        headers: &[HeaderField::Deadline],
        name: "parked.retry",
        summary: "Sends a parked message on its way again.",
        description: "",
        body: None,
        success: Success::nothing("It is on its way again."),
        codes: &[OF_PARKED_CHANGED, OF_RETRIES],
        target: RouteTarget::Node(|request| Box::pin(parked::retry(request))),
    },
    Route {
        method: Method::GET,
        path: paths::PARTITIONS,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Only(&[]),
        headers: &[],
        name: "partitions",
        summary: "Tells how each partition is.",
        description: "",
        body: None,
        success: Success::json("How the node is.", schema::of::<NodeStatus>),
        codes: &[&[ErrorCode::BadQuery]],
        target: RouteTarget::Node(|request| Box::pin(operators::partitions(request))),
    },
    Route {
        method: Method::GET,
        path: paths::METRICS,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Ignored,
        headers: &[],
        name: "metrics",
        summary: "Counts what the node does.",
        description: "",
        body: None,
        success: Success::text("Figures, as Prometheus reads them.", "text/plain"),
        codes: &[],
        target: RouteTarget::Node(|request| Box::pin(operators::metrics(request))),
    },
    Route {
        method: Method::GET,
        path: paths::OPENAPI,
        access: RouteAccess::TokenHolders,
        query: QueryRule::Ignored,
        headers: &[],
        name: "openapi",
        summary: "Describes the node.",
        description: "",
        body: None,
        success: Success::json("This document.", |_| apostate_core::schemars::json_schema!({ "type": "object" })),
        codes: &[],
        target: RouteTarget::Node(|request| Box::pin(operators::describe(request))),
    },
    Route {
        method: Method::GET,
        path: paths::HEALTH,
        access: RouteAccess::Everybody,
        query: QueryRule::Ignored,
        headers: &[],
        name: "health",
        summary: "Tells that the node is alive.",
        description: "",
        body: None,
        success: Success::json("It is.", schema::of::<Health>),
        codes: &[],
        target: RouteTarget::Node(|_| Box::pin(async { operators::health() })),
    },
    Route {
        method: Method::GET,
        path: paths::READY,
        access: RouteAccess::Everybody,
        query: QueryRule::Ignored,
        headers: &[],
        name: "ready",
        summary: "Tells whether every partition serves.",
        description: "",
        body: None,
        success: Success::json("Every partition serves.", schema::of::<Health>),
        codes: &[&[ErrorCode::PartitionStopped]],
        target: RouteTarget::Node(|request| Box::pin(operators::ready(request))),
    },
    Route {
        method: Method::GET,
        path: paths::ERROR,
        access: RouteAccess::Everybody,
        query: QueryRule::Ignored,
        headers: &[],
        name: "error",
        summary: "Tells what an error code means, and what to do.",
        description: "",
        body: None,
        success: Success::text("A page about the code.", "text/markdown"),
        codes: &[&[ErrorCode::PathUnknown]],
        target: RouteTarget::Node(|request| Box::pin(async { operators::explain(request) })),
    },
    Route {
        method: Method::GET,
        path: paths::HOME,
        access: RouteAccess::Everybody,
        query: QueryRule::Ignored,
        headers: &[],
        name: "home",
        summary: "Tells what this is.",
        description: "",
        body: None,
        success: Success::text("A short text.", "text/plain"),
        codes: &[],
        target: RouteTarget::Node(|request| Box::pin(async { operators::welcome(request) })),
    },
];

/// The list of a kind.
pub(crate) const LIST: Route = Route {
    method: Method::GET,
    path: paths::KIND,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[QueryParameter::After, QueryParameter::Limit("Most entities of the page.")]),
    headers: &[HeaderField::Deadline],
    name: "list",
    summary: "Lists every {kind}, in an order that stays.",
    // Lines are told in words: two media types in one answer are more than generators of clients take.
    description: "Pages are bounded by bytes as well, and have one entity at least. What exists throughout appears once. With \
        `Accept: application/x-ndjson` the answer is all of the list, a line of JSON for each entity, as the items of a page.",
    body: None,
    success: Success::of_the_kind("A page."),
    codes: &[OF_LISTS],
    target: RouteTarget::List,
};

/// The state of an entity.
pub(crate) const STATE: Route = Route {
    method: Method::GET,
    path: paths::ENTITY,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[]),
    headers: &[HeaderField::KnownVersion, HeaderField::Deadline, HeaderField::TraceParent],
    name: "state",
    summary: "Reads a whole {kind}.",
    description: "With the `ETag` of an earlier answer as `If-None-Match`, the answer is 304 as long as nothing changed.",
    body: None,
    success: Success::of_the_kind("The entity. What is seen is durable."),
    codes: &[OF_ENTITIES, &[ErrorCode::BadQuery, ErrorCode::EntityMissing]],
    target: RouteTarget::State,
};

/// The partners of an entity.
pub(crate) const ACTIVITIES: Route = Route {
    method: Method::GET,
    path: paths::ACTIVITIES,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[
        QueryParameter::After,
        QueryParameter::Limit("Most partners of the page."),
        QueryParameter::Partner,
    ]),
    headers: &[HeaderField::Deadline, HeaderField::TraceParent],
    name: "activities",
    summary: "Lists what a {kind} has to do with each of its partners.",
    description: "What it remembers about the partner, what it has asked and is not answered yet, and what it will send later. By the \
        partner's kind, then by its key. Pages are bounded by bytes as well, and have one partner at least; each is of one moment.",
    body: None,
    success: Success::of_the_kind("A page."),
    codes: &[OF_PARTNERS],
    target: RouteTarget::Activities,
};

/// A handler that may change its entity.
const CALL: Route = Route {
    method: Method::POST,
    path: paths::HANDLER,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[]),
    headers: &[HeaderField::ClientKey, HeaderField::Prefer, HeaderField::Deadline, HeaderField::TraceParent],
    name: "call",
    summary: "Calls a handler that may change its entity.",
    description: "",
    body: Some(RequestBody::Arguments),
    success: Success::of_the_kind("It is done and durable. The handler's reply."),
    codes: &[OF_ENTITIES, OF_CALLS],
    target: RouteTarget::Call,
};

/// A handler that only reads.
const READ: Route = Route {
    method: Method::GET,
    path: paths::HANDLER,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Arguments,
    headers: &[HeaderField::Deadline, HeaderField::TraceParent],
    name: "read",
    summary: "Asks a handler that only reads.",
    description: "",
    body: None,
    success: Success::of_the_kind("The handler's reply. What it saw is durable."),
    codes: &[OF_ENTITIES, OF_READS],
    target: RouteTarget::Read,
};

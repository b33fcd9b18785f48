//! Routes of agreements that are not over.

use apostate_api::{AgreementItem, ErrorCode, SettleOrder, paths};
use apostate_core::schema;
use hyper::Method;

use crate::http::route::{
    HeaderField, QueryParameter, QueryRule, RequestBody, Route, RouteAccess, RouteTarget, Success,
};
use crate::http::routes::codes::{OF_OPERATORS, OF_SETTLING};
use crate::http::{agreements, settling};

/// The list of what is not over.
pub(super) const AGREEMENTS: Route = Route {
    method: Method::GET,
    path: paths::AGREEMENTS,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[
        QueryParameter::After,
        QueryParameter::Limit("Most items of the page."),
        QueryParameter::AgreementState,
        QueryParameter::Kind,
    ]),
    headers: &[HeaderField::Deadline],
    name: "agreements",
    summary: "Lists agreements that are not over, at their proposers and at their partners.",
    description: "Proposers first, each side by kind, then in the order of the ring. The two sides of an agreement are read at different \
        moments: what is listed at one of them alone may have come to its end in between, or be about to.",
    body: None,
    success: Success { links: &[("show", "agreements.show")], ..Success::page("A page.", schema::of::<AgreementItem>) },
    codes: &[OF_OPERATORS, &[ErrorCode::BadCursor, ErrorCode::KindMissing]],
    target: RouteTarget::Node(|request| Box::pin(agreements::list(request))),
};

/// One of them.
pub(super) const AGREEMENT: Route = Route {
    method: Method::GET,
    path: paths::AGREEMENT,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[]),
    headers: &[HeaderField::Deadline],
    name: "agreements.show",
    summary: "Shows an agreement at one of its sides.",
    description: "",
    body: None,
    success: Success::json("The agreement, or what is held for it.", schema::of::<AgreementItem>),
    codes: &[OF_OPERATORS, &[ErrorCode::AgreementMissing]],
    target: RouteTarget::Node(|request| Box::pin(agreements::show(request))),
};

/// The settlement of one by hand.
pub(super) const AGREEMENT_SETTLE: Route = Route {
    method: Method::POST,
    path: paths::AGREEMENT_SETTLE,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[]),
    headers: &[HeaderField::ClientKey, HeaderField::Deadline],
    name: "agreements.settle",
    summary: "Ends by hand what a partner holds, when its ending is parked or its deadline has passed.",
    description: "For when the proposer is lost for good, or the ending can never be applied. The real ending is recognised when it comes: the \
        same changes nothing, and another one is listed and counted as settled against its decision.",
    body: Some(RequestBody::Json(schema::of::<SettleOrder>)),
    success: Success::nothing("It has ended so."),
    codes: &[
        OF_OPERATORS,
        OF_SETTLING,
        &[
            ErrorCode::BadBody,
            ErrorCode::BadJson,
            ErrorCode::BodyTooLarge,
            ErrorCode::HandlerMissing,
            ErrorCode::HandlerPanicked,
            ErrorCode::RequestTimeout,
            ErrorCode::TransactionTooLarge,
            ErrorCode::UnsupportedMediaType,
        ],
    ],
    target: RouteTarget::Node(|request| Box::pin(settling::settle(request))),
};

/// The end of what is kept of one that was settled by hand.
pub(super) const AGREEMENT_FORGET: Route = Route {
    method: Method::DELETE,
    path: paths::AGREEMENT,
    access: RouteAccess::TokenHolders,
    query: QueryRule::Only(&[]),
    headers: &[HeaderField::ClientKey, HeaderField::Deadline],
    name: "agreements.forget",
    summary: "Drops what is kept of an operation that was settled by hand.",
    description: "Its real ending, if it comes still, is not recognised any more.",
    body: None,
    success: Success::nothing("It is dropped."),
    codes: &[OF_OPERATORS, OF_SETTLING],
    target: RouteTarget::Node(|request| Box::pin(settling::forget(request))),
};

//! Routes of agreements that are not over.

use apostate_api::{AgreementItem, ErrorCode, paths};
use apostate_core::schema;
use hyper::Method;

use crate::http::agreements;
use crate::http::route::{HeaderField, QueryParameter, QueryRule, Route, RouteAccess, RouteTarget, Success};
use crate::http::routes::codes::OF_OPERATORS;

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

//! Calls that this build cannot judge, and another build may have done: their client key is looked up before anything is denied.
//!
//! A client that did not hear the answer asks again with its key, perhaps after an upgrade that has dropped the handler or
//! changed its arguments. What the key was answered is remembered under the entity, whatever build asks; only its reply may be
//! nothing that this one can show.
//!
//! Invariant E1, as a client sees it: what was done is never denied.

use std::time::Instant;

use apostate_api::ErrorCode;
use apostate_core::{Address, EntityKey, HandlerId, KindId};
use apostate_partition::{Request, RequestKind};
use hyper::Method;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use crate::answers::owed::Waits;
use crate::http::calls::ask::{Calls, EntityReply};
use crate::http::digest::digest;
use crate::http::fault::Fault;
use crate::http::{body, edge};

/// A call as its path names it.
pub(super) struct CallNames<'a> {
    pub(super) kind: &'a str,
    pub(super) handler: &'a str,
    pub(super) key: &'a str,
}

impl Calls<'_> {
    /// What a client key was answered by whatever build; none if it is not remembered.
    pub(super) async fn recall(
        self,
        kind: &str,
        request: Request,
        deadline: Option<Instant>,
    ) -> Result<Option<EntityReply>, Fault> {
        match self.ask(kind, request, deadline, Waits::ForAnswer).await {
            Ok(answered) => Ok(Some(answered)),
            Err(fault) if fault.is(ErrorCode::EntityMissing) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// `fault`, which says that this build has no such call, unless the call was done by another build under the same client key:
    /// then what is remembered of it.
    pub(super) async fn unless_done(
        self,
        parts: &Parts,
        names: &CallNames<'_>,
        body: &mut Option<Incoming>,
        fault: Fault,
    ) -> Fault {
        let Ok(options) = self.options(parts) else { return fault };
        let (Some(client_key), &Method::POST) = (options.client_key, &parts.method) else { return fault };
        let Ok(name) = edge::key(names.key) else { return fault };
        let read = match body {
            Some(body) => body::read(body, self.edge).await,
            None => Ok(Default::default()),
        };
        let Ok((body, _share)) = read else { return fault };
        let (to, handler) = (Address::new(KindId::of(names.kind), name.clone()), HandlerId::of(names.handler));
        let request = Request::new(to, handler, Vec::new(), RequestKind::Recall { key: client_key });
        match self.recall(names.kind, Request { digest: digest(&body), ..request }, options.deadline).await {
            Ok(Some(_)) => done_earlier(names.kind, &name),
            Ok(None) => fault,
            Err(fault) => fault,
        }
    }
}

/// A call was done before, and this build cannot show what it was answered.
pub(super) fn done_earlier(kind: &str, key: &EntityKey) -> Fault {
    let detail =
        format!("{kind}/{key} did it when this Idempotency-Key first came, and this build cannot show the reply");
    Fault::new(ErrorCode::DoneEarlier, detail).repeated(true)
}

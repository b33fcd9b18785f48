//! A request to one entity on its way through the dispatcher, and its reply: all that calls, reads and states have in common.
//!
//! A call that its entity answers later is no running request while it waits: its place at the dispatcher is free, and it asks again with its client key
//! when the answer is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_api::ErrorCode;
use apostate_core::Address;
use apostate_partition::{Answer, Failure, Request, RequestKind, TraceContext};
use hyper::http::request::Parts;

use crate::answers::owed::{OwedWait, Waits};
use crate::answers::stop::Interruption;
use crate::answers::verdict::{NotDone, Verdict};
use crate::http::call_options::CallOptions;
use crate::http::dispatcher::{Dispatcher, OpenRequest};
use crate::http::edge::Edge;
use crate::http::fault::Fault;

/// What an entity answered, in our encoding.
pub(super) struct EntityReply {
    pub(super) reply: Vec<u8>,
    pub(super) version: u64,
    /// It had been answered before, to the same client key.
    pub(super) is_repeated: bool,
}

/// How long one waits that asks again for its answer when there is no room.
const RECALL_PAUSE: Duration = Duration::from_millis(20);

/// Who handles requests for single entities.
#[derive(Clone, Copy)]
pub(crate) struct Calls<'a> {
    pub(crate) edge: &'a Edge,
    pub(crate) dispatcher: &'a Arc<Dispatcher>,
    /// When the request came.
    pub(crate) began: Instant,
    /// Where it stands in a trace, if it is followed.
    pub(crate) followed: Option<TraceContext>,
}

impl Calls<'_> {
    pub(super) fn options(self, parts: &Parts) -> Result<CallOptions, Fault> {
        CallOptions::of(&parts.headers, self.began)
    }

    /// Asks an entity, and waits for its reply, no longer than until the deadline.
    pub(super) async fn ask(
        self,
        kind: &str,
        request: Request,
        deadline: Option<Instant>,
        waits: Waits,
    ) -> Result<EntityReply, Fault> {
        let to = request.to.clone();
        let entity = || format!("{kind}/{}", to.key());
        let is_call = matches!(request.request_kind, RequestKind::Call { .. });
        let again = again(&request);
        let (mut verdict, is_repeated) = self.ask_once(request, deadline, &entity).await?.original();
        if let (Verdict::Answered(Answer::Pending { number }), Some(again)) = (&verdict, again) {
            if waits == Waits::ForCommit {
                return Ok(EntityReply { reply: Vec::new(), version: *number, is_repeated });
            }
            verdict = self.wait_for(&to, *number, &again, deadline, &entity).await?;
        }
        match verdict {
            Verdict::Answered(Answer::Done { reply, version }) => Ok(EntityReply { reply, version, is_repeated }),
            // A read does nothing, so there is nothing of which nobody knows whether it was done.
            Verdict::Unknown(reason) if !is_call => Err(Fault::unread(&reason, &entity)),
            Verdict::Answered(Answer::Failed(failure @ Failure::Stopped(_))) if !is_call => {
                Err(Fault::unread(&failure.into(), &entity))
            }
            verdict => Err(Fault::of_verdict(verdict, &entity).repeated(is_repeated)),
        }
    }

    /// Waits for the answer to a call that is pending, and gives what it is then.
    async fn wait_for(
        self,
        to: &Address,
        mut number: u64,
        again: &Request,
        deadline: Option<Instant>,
        entity: &(dyn Fn() -> String + Sync),
    ) -> Result<Verdict, Fault> {
        loop {
            let wait = self.edge.shared.routes.queues().owed().wait_for(to, number);
            // It may have been answered before we began to wait.
            for is_told in [false, true] {
                if is_told {
                    self.told(&wait, deadline, entity).await?;
                }
                match self.recall_pending(again, deadline, entity).await? {
                    Verdict::Answered(Answer::Pending { number: still }) => number = still,
                    Verdict::Answered(Answer::Failed(Failure::Missing)) => {
                        return Err(Fault::unknown("its answer is remembered no more", entity));
                    }
                    Verdict::NotDone(_) => {
                        return Err(Fault::unknown("the answer is pending, and its partition is away", entity));
                    }
                    verdict => return Ok(verdict),
                }
            }
        }
    }

    /// Asks again for the answer to a call that is pending. Many may be told at once that theirs is there: one for whom there is no room waits a moment.
    async fn recall_pending(
        self,
        again: &Request,
        deadline: Option<Instant>,
        entity: &(dyn Fn() -> String + Sync),
    ) -> Result<Verdict, Fault> {
        loop {
            match self.ask_once(again.clone(), deadline, entity).await {
                Err(fault) if fault.is(ErrorCode::Busy) => {}
                Ok(Verdict::NotDone(NotDone::Busy) | Verdict::Answered(Answer::Failed(Failure::Busy))) => {}
                Ok(verdict) => return Ok(verdict.original().0),
                // What stands in the way of the answer says nothing of the call: that was done.
                Err(fault) => return Err(Fault::unknown(&fault.problem().detail, entity)),
            }
            tokio::time::sleep(RECALL_PAUSE).await;
        }
    }

    /// Waits until the answer is there, or nobody waits for it any more.
    async fn told(
        self,
        wait: &OwedWait,
        deadline: Option<Instant>,
        entity: &(dyn Fn() -> String + Sync),
    ) -> Result<(), Fault> {
        let told = std::future::poll_fn(|context| wait.poll(context));
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let interruption: Option<Interruption> = tokio::select! {
            told = told => told,
            () = late => return Err(Fault::unknown("its deadline came before the answer, which is pending", entity)),
            () = self.edge.stopping() => {
                return Err(Fault::unknown("the node stops, and the answer is pending", entity).closing());
            }
        };
        interruption.map_or(Ok(()), |reason| Err(Fault::unknown(&reason.to_string(), entity)))
    }

    /// Asks an entity once.
    async fn ask_once(
        self,
        mut request: Request,
        deadline: Option<Instant>,
        entity: &(dyn Fn() -> String + Sync),
    ) -> Result<Verdict, Fault> {
        let is_call = matches!(request.request_kind, RequestKind::Call { .. });
        if self.edge.is_stopping() {
            return Err(Fault::new(ErrorCode::NotReady, "the node stops; nothing was done").closing());
        }
        request.trace = self.followed.map(Box::new);
        let uptime = self.edge.shared.clock.now().uptime;
        request.deadline = deadline.map(|at| uptime.after(at.saturating_duration_since(Instant::now())));
        let open = self.dispatcher.send(request);
        let open =
            open.ok_or_else(|| Fault::busy("as many requests are under way as there may be; nothing was done"))?;
        let Some(deadline) = deadline else { return Ok(open.await) };
        match until(deadline, open).await {
            Ok(verdict) => Ok(verdict),
            Err(is_withdrawn) if is_withdrawn || !is_call => {
                let began = if is_withdrawn { "had not begun it" } else { "was still looking" };
                let detail = format!("{} {began} when its deadline came; nothing was done", entity());
                Err(Fault::new(ErrorCode::DeadlineExceeded, detail))
            }
            Err(_) => Err(Fault::unknown("its deadline came while it was under way", entity)),
        }
    }
}

/// The request by which a caller asks again for an answer that is pending. None: it has no client key.
fn again(request: &Request) -> Option<Request> {
    let (RequestKind::Call { key: Some(key) } | RequestKind::Recall { key }) = &request.request_kind else {
        return None;
    };
    let recall = RequestKind::Recall { key: key.clone() };
    Some(Request::new(request.to.clone(), request.handler, Vec::new(), recall))
}

/// Waits for a verdict until `deadline`. Err: it came first; true if the request was withdrawn before it was begun.
async fn until(deadline: Instant, mut open: OpenRequest) -> Result<Verdict, bool> {
    // One that is here already is not thrown away, however late it is.
    let patience = deadline.saturating_duration_since(Instant::now()).max(Duration::from_micros(1));
    match tokio::time::timeout(patience, &mut open).await {
        Ok(verdict) => Ok(verdict),
        Err(_) => Err(open.withdraw()),
    }
}

//! A request to one entity on its way through the dispatcher, and its reply: all that calls, reads and states have in common.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_api::ErrorCode;
use apostate_partition::{Answer, Failure, Request, RequestKind, TraceContext};
use hyper::http::request::Parts;

use crate::answers::verdict::Verdict;
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
        mut request: Request,
        deadline: Option<Instant>,
    ) -> Result<EntityReply, Fault> {
        let key = request.to.key().clone();
        let entity = || format!("{kind}/{key}");
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
        let verdict = match deadline {
            None => open.await,
            Some(deadline) => match until(deadline, open).await {
                Ok(verdict) => verdict,
                Err(is_withdrawn) if is_withdrawn || !is_call => {
                    let began = if is_withdrawn { "had not begun it" } else { "was still looking" };
                    let detail = format!("{} {began} when its deadline came; nothing was done", entity());
                    return Err(Fault::new(ErrorCode::DeadlineExceeded, detail));
                }
                Err(_) => return Err(Fault::unknown("its deadline came while it was under way", &entity)),
            },
        };
        match verdict.original() {
            (Verdict::Answered(Answer::Done { reply, version }), is_repeated) => {
                Ok(EntityReply { reply, version, is_repeated })
            }
            // A read does nothing, so there is nothing of which nobody knows whether it was done.
            (Verdict::Unknown(reason), _) if !is_call => Err(Fault::unread(&reason, &entity)),
            (Verdict::Answered(Answer::Failed(failure @ Failure::Stopped(_))), _) if !is_call => {
                Err(Fault::unread(&failure.into(), &entity))
            }
            (verdict, is_repeated) => Err(Fault::of_verdict(verdict, &entity).repeated(is_repeated)),
        }
    }
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

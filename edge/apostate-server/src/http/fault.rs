//! What is said when something is not done: a problem with a stable code, and the header fields that belong to it.
//!
//! *No* and *don't know* have different codes, always: only after `outcome-unknown`, and `internal`, which says so, may something
//! have been done.

use apostate_api::{ErrorCode, PROBLEM_TYPE, Problem};
use apostate_core::Refusal;
use apostate_partition::Failure;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode};

use crate::CallError;
use crate::answers::stop::Interruption;
use crate::answers::verdict::{NotDone, Verdict};
use crate::http::meters::Outcome;
use crate::http::reply::{IDEMPOTENCY_REPLAYED, Reply};

/// How long whoever is told to come again waits, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a request was not answered as it was asked. Boxed: nearly no request has one.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    problem: Problem,
    code: ErrorCode,
    allow: Option<HeaderValue>,
    /// Nothing that follows on the connection can be trusted, or is to be waited for.
    closes: bool,
    /// It was said before, to the same client key.
    is_repeated: bool,
}

impl Fault {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(code, detail);
        problem.retry_after = code.is_retryable().then_some(RETRY_AFTER_SECONDS);
        Self::of(problem, code)
    }

    /// The entity said no.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let status = refusal.status();
        Self::of(Problem::refused(status, refusal.code, refusal.text), ErrorCode::Refused)
    }

    fn of(problem: Problem, code: ErrorCode) -> Self {
        Self(Box::new(Inner { problem, code, allow: None, closes: false, is_repeated: false }))
    }

    /// Says that it was said before, to the same client key.
    pub(crate) fn repeated(mut self, is_repeated: bool) -> Self {
        self.0.is_repeated = is_repeated;
        self
    }

    /// Says which methods there are instead. HEAD goes with GET.
    pub(crate) fn allowing<'m>(mut self, methods: impl IntoIterator<Item = &'m Method>) -> Self {
        let name = |method: &'m Method| if method == Method::GET { "GET, HEAD" } else { method.as_str() };
        let allow = methods.into_iter().map(name).collect::<Vec<_>>().join(", ");
        self.0.allow = Some(HeaderValue::try_from(allow).expect("names of methods"));
        self
    }

    /// Closes the connection behind it.
    pub(crate) fn closing(mut self) -> Self {
        self.0.closes = true;
        self
    }

    /// Says what it was about.
    pub(crate) fn about(mut self, instance: &str) -> Self {
        self.0.problem.instance.get_or_insert_with(|| instance.to_owned());
        self
    }

    /// Says which message of a stream it was.
    pub(crate) fn of_message(mut self, number: u64) -> Self {
        self.0.problem.detail = format!("message {number}: {}", self.0.problem.detail);
        self
    }

    /// Says from which number a producer sends again.
    pub(crate) fn resuming(mut self, number: u64) -> Self {
        self.0.problem.resume_from = Some(number);
        self
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// Too much is under way.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Busy, detail)
    }

    /// Long requests and answers have no memory left.
    pub(crate) fn no_room() -> Self {
        Self::busy("long requests and answers take all the memory that they may have; nothing was done")
    }

    pub(crate) fn is(&self, code: ErrorCode) -> bool {
        self.0.code == code
    }

    /// Where it is counted.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.0.code {
            ErrorCode::Refused => Outcome::Refused,
            ErrorCode::Busy => Outcome::Busy,
            ErrorCode::DeadlineExceeded => Outcome::Late,
            ErrorCode::OutcomeUnknown => Outcome::Unknown,
            code if code.status() < 500 => Outcome::Invalid,
            _ => Outcome::Failed,
        }
    }

    /// The fault as the last line of a stream.
    pub(crate) fn into_line(self) -> Vec<u8> {
        let mut text = serde_json::to_vec(&self.0.problem).expect("a problem is plain data");
        text.push(b'\n');
        text
    }

    /// The fault as an answer.
    pub(crate) fn into_response(self) -> Response<Reply> {
        let Inner { problem, code: _, allow, closes, is_repeated } = *self.0;
        let body = serde_json::to_vec(&problem).expect("a problem is plain data");
        let mut response = Response::new(Reply::whole(body));
        *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if let Some(seconds) = problem.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow);
        }
        if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"apostate\""));
        }
        if is_repeated {
            headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// What a verdict other than an answer with a reply says of `entity`.
    pub(crate) fn of_verdict(verdict: Verdict, entity: &dyn Fn() -> String) -> Self {
        use apostate_partition::Answer;
        match verdict {
            Verdict::Answered(Answer::Refused(refusal)) => Self::refused(refusal),
            Verdict::Answered(Answer::Failed(failure)) => Self::of_failure(&failure, entity),
            Verdict::Answered(Answer::Expired) => {
                let detail = format!(
                    "{} did it, and has not answered it in time, or was deleted; look at what has become of it",
                    entity()
                );
                Self::new(ErrorCode::AnswerExpired, detail)
            }
            Verdict::Answered(
                Answer::Done { .. }
                | Answer::Repeated(_)
                | Answer::Pending { .. }
                | Answer::Accepted
                | Answer::Duplicate,
            ) => {
                unreachable!("no fault, or waited for, or answers to numbered messages only")
            }
            Verdict::NotDone(NotDone::Busy) => Self::of_failure(&Failure::Busy, entity),
            Verdict::NotDone(NotDone::Closed) => Self::new(ErrorCode::NotReady, "the node stops; nothing was done"),
            Verdict::NotDone(NotDone::Stopped(reason)) => Self::new(
                ErrorCode::PartitionStopped,
                format!("{} cannot be reached, nothing was done: its partition stopped ({reason})", entity()),
            ),
            Verdict::Unknown(reason) => Self::unknown(&reason.to_string(), entity),
        }
    }

    /// What a failure says of `entity`.
    pub(crate) fn of_failure(failure: &Failure, entity: &dyn Fn() -> String) -> Self {
        let detail = match failure {
            Failure::Stopped(reason) => return Self::unknown(&reason.to_string(), entity),
            Failure::Missing => format!("there is no {}; it exists from the first call that changes it", entity()),
            failure => format!("{} did not take it: {failure}", entity()),
        };
        Self::new(code_of(failure), detail)
    }

    /// A read of `entity` got no answer.
    pub(crate) fn unread(reason: &Interruption, entity: &dyn Fn() -> String) -> Self {
        let code = match reason {
            Interruption::PartitionStopped(_) => ErrorCode::PartitionStopped,
            Interruption::NodeClosed | Interruption::ExecutorDied | Interruption::Failed(_) => ErrorCode::NotReady,
        };
        Self::new(code, format!("{} could not be read: {reason}", entity()))
    }

    /// Nobody knows whether `entity` did it.
    pub(crate) fn unknown(reason: &str, entity: &dyn Fn() -> String) -> Self {
        let detail = format!(
            "it is not known whether {} did it ({reason}); ask again with the same Idempotency-Key, or look",
            entity()
        );
        Self::new(ErrorCode::OutcomeUnknown, detail)
    }
}

/// The code of a failure, wherever it is told.
fn code_of(failure: &Failure) -> ErrorCode {
    match failure {
        Failure::Stopped(_) => ErrorCode::OutcomeUnknown,
        Failure::NotHere { .. } => ErrorCode::NotReady,
        Failure::UnknownKind => ErrorCode::KindMissing,
        Failure::UnknownHandler => ErrorCode::HandlerMissing,
        Failure::NotOpen => ErrorCode::HandlerNotOpen,
        Failure::Unreadable(_) => ErrorCode::BadJson,
        Failure::TooLarge => ErrorCode::TransactionTooLarge,
        Failure::TooManyAsks => ErrorCode::TooManyAsks,
        Failure::TooManyAgreements => ErrorCode::TooManyAgreements,
        Failure::Uncertain => ErrorCode::EntityUncertain,
        Failure::EndsOperation => ErrorCode::EndsOperation,
        Failure::CannotSettle(_) => ErrorCode::CannotSettle,
        Failure::Missing => ErrorCode::EntityMissing,
        Failure::UnreadableState(_) => ErrorCode::UnreadableState,
        Failure::Panicked(_) | Failure::PoisonMessage(_) => ErrorCode::HandlerPanicked,
        Failure::KeyReused => ErrorCode::ClientKeyReused,
        Failure::KeyExpired => ErrorCode::ClientKeyExpired,
        Failure::BadKey | Failure::KeyAhead => ErrorCode::BadClientKey,
        Failure::ProducerForgotten => ErrorCode::ProducerForgotten,
        Failure::Late => ErrorCode::DeadlineExceeded,
        Failure::Blocked => ErrorCode::EntityBlocked,
        Failure::Busy | Failure::Backlog(_) | Failure::Overfull(_) | Failure::OwesTooMuch | Failure::Full => {
            ErrorCode::Busy
        }
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        let code = match error {
            CallError::Refused(refusal) => return Self::refused(refusal),
            CallError::Failed { entity, failure } => return Self::of_failure(&failure, &|| entity.clone()),
            CallError::StaysParked { failure, .. } => code_of(&failure),
            CallError::Gone { .. } => ErrorCode::ParkedMissing,
            CallError::Missing { .. } => ErrorCode::EntityMissing,
            CallError::Expired { .. } => ErrorCode::AnswerExpired,
            CallError::Key(_) => ErrorCode::BadKey,
            CallError::Busy { .. } => ErrorCode::Busy,
            CallError::Stopped { .. } => ErrorCode::PartitionStopped,
            CallError::Closed => ErrorCode::NotReady,
            CallError::Unknown { .. } => ErrorCode::OutcomeUnknown,
            CallError::Unlisted { .. } => ErrorCode::StoreUnreadable,
            CallError::NewerFormat { .. } => ErrorCode::NewerFormat,
            CallError::Unreadable { .. } => ErrorCode::Internal,
        };
        Self::new(code, detail)
    }
}

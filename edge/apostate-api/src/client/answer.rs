//! What one attempt came to: an answer that stands, or why there is none.

use std::time::Duration;

use apostate_core::Refusal;
use bytes::Bytes;
use url::Url;

use crate::client::connection::SendError;
use crate::client::error::ClientError;
use crate::client::response::Response;
use crate::client::retry;
use crate::{ErrorCode, Problem};

/// Longest answer, and longest line of one, that is taken into memory.
pub(crate) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The statuses of a request whose URL is too long, alone or with the rest of its head. We send no other head that is long.
const HEAD_TOO_LONG: [u16; 2] = [414, 431];

/// An answer that stands, or why there is none.
pub(crate) type Attempt<T> = Result<Result<T, ClientError>, Missed>;

/// An attempt without an answer that stands.
#[derive(Debug)]
pub(crate) struct Missed {
    pub(crate) why: Miss,
    /// How long the node asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// Why an attempt has no answer that stands.
#[derive(Debug)]
pub(crate) enum Miss {
    /// Nobody was at home: it was not done.
    Away(String),
    /// The answer did not come, or not all of it.
    Silent(String),
    /// It was not done, and may be later.
    NotYet(Box<Problem>),
    /// The node does not know whether it was done.
    Unsure(Box<Problem>),
    /// Something between us and the node said this status, or there is no node at all.
    Stranger(u16),
}

impl Missed {
    pub(crate) fn silent_for(patience: Duration) -> Self {
        Miss::Silent(format!("no answer for {patience:.1?}")).into()
    }
}

impl From<Miss> for Missed {
    fn from(why: Miss) -> Self {
        Self { why, retry_after: None }
    }
}

impl From<SendError> for Missed {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unsent(_) | SendError::NoConnection(_) => Miss::Away(error.to_string()).into(),
            SendError::Lost(detail) => Miss::Silent(detail).into(),
        }
    }
}

impl Miss {
    /// Whether nobody knows what became of a request that changes something.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::Away(_) | Self::NotYet(_) => false,
            Self::Silent(_) | Self::Unsure(_) => true,
            // What says no before the node says 4xx; what lost the node's answer says 5xx.
            Self::Stranger(status) => *status >= 500,
        }
    }

    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Away(detail) | Self::Silent(detail) => detail.clone(),
            Self::NotYet(problem) | Self::Unsure(problem) => format!("{} ({})", problem.detail, problem.code),
            Self::Stranger(status) => format!("what answers there is no node: status {status}"),
        }
    }

    /// The error of a request that certainly was not done.
    pub(crate) fn into_error(self, url: &Url) -> ClientError {
        match self {
            Self::Away(detail) | Self::Silent(detail) => ClientError::Unreachable { url: url.to_string(), detail },
            Self::NotYet(problem) | Self::Unsure(problem) => ClientError::Problem(problem),
            Self::Stranger(status) => ClientError::NoNode { url: url.to_string(), status },
        }
    }
}

/// All of an answer.
pub(crate) async fn whole(mut response: Response) -> Attempt<Bytes> {
    let mut pieces = async || response.chunk().await.map_err(|detail| Missed::from(Miss::Silent(detail)));
    // Most are one piece, which is taken as it was read.
    let first = pieces().await?.unwrap_or_default();
    let Some(second) = pieces().await? else { return Ok(Ok(first)) };
    let mut body = [first, second].concat();
    while let Some(piece) = pieces().await? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Ok(Err(too_long()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Ok(body.into()))
}

/// An answer that has begun, and is read later.
pub(crate) async fn begun(response: Response) -> Attempt<Response> {
    Ok(Ok(response))
}

/// Something is longer than anything that a node says.
pub(crate) fn too_long() -> ClientError {
    ClientError::Unreadable(format!("it is longer than {ANSWER_BYTES_MAX} bytes"))
}

/// What an answer that says no means for a caller who would ask again.
pub(crate) async fn refused<T>(response: Response) -> Attempt<T> {
    let retry_after = retry_after(&response);
    let missed = |why| Err(Missed { why, retry_after });
    let problem = match problem(response).await {
        // A node says it of a head that it does not read, and so does what is before it: neither says more.
        Err(Missed { why: Miss::Stranger(status), .. }) if HEAD_TOO_LONG.contains(&status) => {
            return Ok(Err(ClientError::TooLong));
        }
        problem => problem?,
    };
    match problem.error_code() {
        Some(ErrorCode::Refused) => Ok(Err(ClientError::Refused(refusal_of(problem)))),
        Some(ErrorCode::OutcomeUnknown | ErrorCode::Internal) => missed(Miss::Unsure(Box::new(problem))),
        Some(ErrorCode::AnswerExpired | ErrorCode::DoneEarlier | ErrorCode::UnreadableReply) => {
            Ok(Err(ClientError::Unshown(Box::new(problem))))
        }
        // A newer node's 5xx: it may mean anything.
        None if problem.status >= 500 => missed(Miss::Unsure(Box::new(problem))),
        _ if problem.is_retryable() => missed(Miss::NotYet(Box::new(problem))),
        _ => Ok(Err(ClientError::Problem(Box::new(problem)))),
    }
}

/// What a node says in an answer that says no.
pub(crate) async fn problem(response: Response) -> Result<Problem, Missed> {
    let (status, retry_after) = (response.status(), retry_after(&response));
    let problem = whole(response).await?.ok().and_then(|body| serde_json::from_slice(&body).ok());
    problem.ok_or(Missed { why: Miss::Stranger(status), retry_after })
}

/// How long the node asks to be left alone.
pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    response.header("retry-after")?.trim().parse().ok().map(retry::after)
}

fn refusal_of(problem: Problem) -> Refusal {
    let Problem { refusal, status, detail, .. } = problem;
    let refusal = match refusal {
        Some(refusal) => Refusal::with_code(refusal.code, refusal.text),
        None => Refusal::new(detail),
    };
    refusal.with_status(status)
}

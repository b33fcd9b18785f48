//! Problems: the answer to a request that was not done, as `application/problem+json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ErrorCode;
use crate::wire_schema::absent_not_null;

/// The media type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// The reason why a request was not done, or why it is not known whether it was (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.Problem", transform = absent_not_null)]
pub struct Problem {
    /// The page that explains the code, at the node itself: `/errors/busy`.
    pub r#type: String,
    /// The code in a few words; the same for every problem with this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The words about this case, for people.
    pub detail: String,
    /// The error code. A caller may meet a newer node, and a code that it does not know.
    pub code: String,
    /// The path of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Seconds to wait before the request is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The entity's refusal, if it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalBody>,
    /// The first number that a producer sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_from: Option<u64>,
}

/// An entity's considered "no".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.RefusalBody")]
pub struct RefusalBody {
    /// The author's code.
    pub code: String,
    /// The author's text.
    pub text: String,
}

impl Problem {
    /// A problem with this code.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: code.problem_type().to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            instance: None,
            retry_after: None,
            refusal: None,
            resume_from: None,
        }
    }

    /// A refusal, with the author's status, code and text.
    #[must_use]
    pub fn refused(status: u16, code: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let refusal = RefusalBody { code: code.into(), text: text.clone() };
        Self { status, refusal: Some(refusal), ..Self::new(ErrorCode::Refused, text) }
    }

    /// The error code; none if it is one of a newer node.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }

    /// Whether it may help to ask again, as it is, after a while. A code that is not known is judged by its status.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.error_code().map_or(matches!(self.status, 408 | 429 | 502..=504), ErrorCode::is_retryable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_leads_to_its_page() {
        let problem = Problem { retry_after: Some(1), ..Problem::new(ErrorCode::Busy, "1,024 requests wait") };
        let json = serde_json::to_value(&problem).expect("JSON");
        let expected = serde_json::json!({
            "type": "/errors/busy",
            "title": "node overloaded or disk full",
            "status": 429,
            "detail": "1,024 requests wait",
            "code": "busy",
            "retry_after": 1,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Problem>(json).expect("a problem"), problem);
        assert!(problem.is_retryable());
    }

    #[test]
    fn a_refusal_keeps_what_the_author_said() {
        let problem = Problem::refused(422, "out-of-stock", "only 3 left");
        assert_eq!((problem.status, problem.error_code()), (422, Some(ErrorCode::Refused)));
        assert_eq!(problem.refusal.map(|refusal| refusal.code).as_deref(), Some("out-of-stock"));
    }

    #[test]
    fn a_code_of_a_newer_node_is_judged_by_its_status() {
        let newer = |status| Problem { code: "on-the-moon".to_owned(), status, ..Problem::new(ErrorCode::Busy, "") };
        assert_eq!(newer(503).error_code(), None);
        assert!(newer(503).is_retryable() && !newer(404).is_retryable());
    }
}

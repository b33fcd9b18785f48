//! Every code of an error, with what follows from it: its status, whether asking again may help, and its page.
//!
//! Codes are stable: programs compare them. Each has a page in `docs/errors/`, which the node serves as well; this crate has a link
//! to that folder, so that its package has the pages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no code of this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode(pub String);

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no error code that is known here", self.0)
    }
}

impl std::error::Error for UnknownCode {}

macro_rules! error_codes {
    ($($variant:ident = $code:literal, $status:literal, $is_retryable:literal, $title:literal;)*) => {
        /// Why something was not done, or why nobody knows whether it was. In alphabetical order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $variant,)*
        }

        impl ErrorCode {
            /// Every code, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// Its HTTP status. A refusal has the one that its author chose, and this one if the author chose none.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                }
            }

            /// Whether it may help to ask again, as it is, after a while. What changes something is asked again with the same
            /// client key, for it may have been done.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self {
                    $(Self::$variant => $is_retryable,)*
                }
            }

            /// The code in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }

            /// Where a node explains it: `/errors/busy`.
            #[must_use]
            pub const fn problem_type(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("/errors/", $code),)*
                }
            }

            /// Its page, as Markdown: what happened, and what to do.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../errors/", $code, ".md")),)*
                }
            }
        }

        impl FromStr for ErrorCode {
            type Err = UnknownCode;

            fn from_str(code: &str) -> Result<Self, UnknownCode> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    code => Err(UnknownCode(code.to_owned())),
                }
            }
        }
    };
}

error_codes! {
    AgreementMissing = "agreement-missing", 404, false, "agreement not found";
    AnswerExpired = "answer-expired", 504, false, "entity did not answer in time";
    BadBody = "bad-body", 400, false, "unreadable request body";
    BadClientKey = "bad-client-key", 400, false, "invalid Idempotency-Key";
    BadCursor = "bad-cursor", 400, false, "invalid list cursor";
    BadHeader = "bad-header", 400, false, "invalid or missing header field";
    BadJson = "bad-json", 400, false, "arguments do not match the handler";
    BadKey = "bad-key", 400, false, "invalid entity key";
    BadLine = "bad-line", 400, false, "invalid message line";
    BadProducer = "bad-producer", 400, false, "invalid producer name";
    BadQuery = "bad-query", 400, false, "invalid query parameter";
    BodyTooLarge = "body-too-large", 413, false, "request body too large";
    Busy = "busy", 429, true, "node overloaded or disk full";
    CannotSettle = "cannot-settle", 409, false, "the operation cannot be settled by hand";
    ChangesIsPost = "changes-is-post", 405, false, "handler changes its entity: use POST";
    ClientKeyExpired = "client-key-expired", 422, false, "Idempotency-Key expired";
    ClientKeyReused = "client-key-reused", 422, false, "Idempotency-Key reused with another request";
    DeadlineExceeded = "deadline-exceeded", 504, true, "deadline exceeded before the request started";
    DoneEarlier = "done-earlier", 410, false, "request done earlier by another build";
    EndsOperation = "ends-operation", 409, false, "the message ends a tentative operation";
    EntityBlocked = "entity-blocked", 503, false, "entity blocked by a message that needs another build";
    EntityMissing = "entity-missing", 404, false, "entity not found";
    EntityUncertain = "entity-uncertain", 409, true, "the entity is part of an agreement";
    ForeignOrigin = "foreign-origin", 403, false, "cross-site request rejected";
    HandlerMissing = "handler-missing", 404, false, "handler not found";
    HandlerNotOpen = "handler-not-open", 403, false, "handler not open to outside callers";
    HandlerPanicked = "handler-panicked", 500, false, "handler panicked";
    HeadersTooLarge = "headers-too-large", 431, false, "request headers too large";
    Internal = "internal", 500, false, "internal error";
    KindMissing = "kind-missing", 404, false, "entity kind not found";
    LineTooLong = "line-too-long", 413, false, "message line too long";
    MethodNotAllowed = "method-not-allowed", 405, false, "method not allowed";
    NewerFormat = "newer-format", 500, false, "written by a newer build";
    NotAcceptable = "not-acceptable", 406, false, "no acceptable media type";
    NotReady = "not-ready", 503, true, "node not ready";
    NumbersNotAscending = "numbers-not-ascending", 409, false, "message numbers not ascending";
    OutcomeUnknown = "outcome-unknown", 503, true, "outcome unknown";
    ParkedMissing = "parked-missing", 404, false, "parked message not found";
    PartitionStopped = "partition-stopped", 503, true, "partition stopped";
    PathUnknown = "path-unknown", 404, false, "path not found";
    ProducerForgotten = "producer-forgotten", 410, false, "producer was silent for too long and is forgotten";
    ProducerInUse = "producer-in-use", 409, true, "producer already has an open stream";
    ProducerMissing = "producer-missing", 400, false, "missing Producer header field";
    ReadIsGet = "read-is-get", 405, false, "handler only reads: use GET";
    Refused = "refused", 409, false, "entity refused the request";
    RequestTimeout = "request-timeout", 408, true, "request not received in time";
    StoreUnreadable = "store-unreadable", 500, false, "store unreadable";
    StreamBroken = "stream-broken", 503, true, "message stream broken";
    TentativeIsProposed = "tentative-is-proposed", 405, false, "handler is tentative: only an agreement sends it";
    TlsRequired = "tls-required", 400, false, "TLS required: use https";
    TokenMissing = "token-missing", 401, false, "bearer token missing";
    TokenWrong = "token-wrong", 401, false, "wrong bearer token";
    TooManyAgreements = "too-many-agreements", 409, true, "too many undecided agreements";
    TooManyAsks = "too-many-asks", 409, true, "too many open asks";
    TooManyConnections = "too-many-connections", 503, true, "too many connections";
    TooManyStreams = "too-many-streams", 503, true, "too many concurrent lists or streams";
    TransactionTooLarge = "transaction-too-large", 413, false, "transaction too large";
    UnreadableReply = "unreadable-reply", 500, false, "reply cannot be shown as JSON";
    UnreadableState = "unreadable-state", 500, false, "unreadable entity state";
    UnsupportedMediaType = "unsupported-media-type", 415, false, "unsupported request media type";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn codes_are_in_alphabetical_order_and_read_back() {
        assert!(ErrorCode::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(code.as_str().bytes().all(fits), "{code}");
        }
        assert_eq!("on-the-moon".parse::<ErrorCode>(), Err(UnknownCode("on-the-moon".to_owned())));
    }

    #[test]
    fn what_may_help_to_ask_again_is_a_status_that_says_so() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()), "{code}");
            let says_so = matches!(code.status(), 408 | 409 | 429 | 503 | 504);
            assert!(!code.is_retryable() || says_so, "{code} has status {}", code.status());
            assert_eq!(code.status() == 405, code.as_str().contains("-is-") || code.as_str().starts_with("method"));
        }
    }

    #[test]
    fn every_code_has_its_page_and_no_page_is_left_over() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        let pages = std::fs::read_dir(folder).expect("the pages");
        let pages: BTreeSet<_> =
            pages.map(|page| page.expect("a page").file_name().into_string().expect("a name")).collect();
        let codes: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| format!("{code}.md")).collect();
        assert_eq!(pages, codes);
    }

    #[test]
    fn a_page_agrees_with_its_code_and_says_what_to_do() {
        for code in ErrorCode::ALL {
            let page = code.page();
            let title = page.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title");
            assert_eq!(title.to_lowercase(), code.title().to_lowercase(), "{code}");
            assert!(page.contains(&format!("\n`{code}` · {}", code.status())), "{code}");
            assert_eq!(page.contains("it may help to ask again"), code.is_retryable(), "{code}");
            assert!(page.contains("## What happened\n\n") && page.contains("## What to do\n\n"), "{code}");
            assert!(page.lines().count() <= 20, "{code} is long");
        }
    }
}

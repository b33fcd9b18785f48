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
    BadBody = "bad-body", 400, false, "the body cannot be read";
    BadClientKey = "bad-client-key", 400, false, "the client key cannot be one";
    BadCursor = "bad-cursor", 400, false, "the cursor cannot be one";
    BadHeader = "bad-header", 400, false, "a header cannot be read";
    BadJson = "bad-json", 400, false, "the arguments do not fit the handler";
    BadKey = "bad-key", 400, false, "the key cannot be one";
    BadLine = "bad-line", 400, false, "a line is no message";
    BadProducer = "bad-producer", 400, false, "the producer's name cannot be one";
    BadQuery = "bad-query", 400, false, "the query cannot be read";
    BodyTooLarge = "body-too-large", 413, false, "the body is too large";
    Busy = "busy", 429, true, "too much is waiting";
    ChangesIsPost = "changes-is-post", 405, false, "this handler changes the entity";
    ClientKeyExpired = "client-key-expired", 422, false, "the client key is too old";
    ClientKeyReused = "client-key-reused", 422, false, "the client key was used for another request";
    DeadlineExceeded = "deadline-exceeded", 504, true, "the deadline passed before it was begun";
    EntityBlocked = "entity-blocked", 503, false, "a message before it waits for another build";
    EntityMissing = "entity-missing", 404, false, "there is no such entity";
    ForeignOrigin = "foreign-origin", 403, false, "a page of another site asks";
    HandlerMissing = "handler-missing", 404, false, "there is no such handler";
    HandlerNotOpen = "handler-not-open", 403, false, "the handler is not open to the world outside";
    HandlerPanicked = "handler-panicked", 500, false, "the handler panicked";
    HeadersTooLarge = "headers-too-large", 431, false, "the headers are too large";
    Internal = "internal", 500, false, "the node met a bug of its own";
    KindMissing = "kind-missing", 404, false, "there is no such kind of entity";
    LineTooLong = "line-too-long", 413, false, "a line is too long";
    MethodNotAllowed = "method-not-allowed", 405, false, "the path does not know this method";
    NotAcceptable = "not-acceptable", 406, false, "the answer has no such form";
    NotReady = "not-ready", 503, true, "the node is not ready";
    NumbersNotAscending = "numbers-not-ascending", 409, false, "a producer's numbers ascend";
    OutcomeUnknown = "outcome-unknown", 503, true, "nobody knows whether it was done";
    ParkedMissing = "parked-missing", 404, false, "there is no such parked message";
    PartitionStopped = "partition-stopped", 503, true, "the entity cannot be reached";
    PathUnknown = "path-unknown", 404, false, "there is nothing at this path";
    ProducerInUse = "producer-in-use", 409, true, "the producer has a stream open";
    ProducerMissing = "producer-missing", 400, false, "messages have a producer";
    ReadIsGet = "read-is-get", 405, false, "this handler only looks";
    Refused = "refused", 409, false, "the entity said no";
    RequestTimeout = "request-timeout", 408, true, "the request did not arrive in time";
    StoreUnreadable = "store-unreadable", 500, false, "the store cannot be read";
    StreamBroken = "stream-broken", 503, true, "the stream broke";
    TokenMissing = "token-missing", 401, false, "a token is needed";
    TokenWrong = "token-wrong", 401, false, "the token is not this node's";
    TooManyConnections = "too-many-connections", 503, true, "too many connections are open";
    TooManyStreams = "too-many-streams", 503, true, "too many streams are open";
    TransactionTooLarge = "transaction-too-large", 413, false, "the transaction is too large";
    UnreadableReply = "unreadable-reply", 500, false, "the reply cannot be shown";
    UnreadableState = "unreadable-state", 500, false, "the entity's state cannot be read";
    UnsupportedMediaType = "unsupported-media-type", 415, false, "the body has another form";
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

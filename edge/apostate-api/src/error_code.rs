//! Every code of an error, with what follows from it: its status, whether asking again may help, and its page.
//!
//! Codes are stable: programs compare them. Each has a page in `docs/errors/`, which the node serves as well.

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
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $is_retryable:literal, $title:literal;)*) => {
        /// Why something was not done, or why nobody knows whether it was. In alphabetical order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
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
                    $(Self::$variant => include_str!(concat!("../../../docs/errors/", $code, ".md")),)*
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
    /// The body cannot be read.
    BadBody = "bad-body", 400, false, "the body cannot be read";
    /// The client key cannot be one.
    BadClientKey = "bad-client-key", 400, false, "the client key cannot be one";
    /// The cursor cannot be one.
    BadCursor = "bad-cursor", 400, false, "the cursor cannot be one";
    /// A header cannot be read.
    BadHeader = "bad-header", 400, false, "a header cannot be read";
    /// The arguments do not fit the handler.
    BadJson = "bad-json", 400, false, "the arguments do not fit the handler";
    /// The key cannot be one.
    BadKey = "bad-key", 400, false, "the key cannot be one";
    /// A line is no message.
    BadLine = "bad-line", 400, false, "a line is no message";
    /// The producer's name cannot be one.
    BadProducer = "bad-producer", 400, false, "the producer's name cannot be one";
    /// The query cannot be read.
    BadQuery = "bad-query", 400, false, "the query cannot be read";
    /// The body is too large.
    BodyTooLarge = "body-too-large", 413, false, "the body is too large";
    /// Too much is waiting.
    Busy = "busy", 429, true, "too much is waiting";
    /// This handler changes the entity.
    ChangesIsPost = "changes-is-post", 405, false, "this handler changes the entity";
    /// The client key is too old.
    ClientKeyExpired = "client-key-expired", 422, false, "the client key is too old";
    /// The client key was used for another request.
    ClientKeyReused = "client-key-reused", 422, false, "the client key was used for another request";
    /// The deadline passed before it was begun.
    DeadlineExceeded = "deadline-exceeded", 504, true, "the deadline passed before it was begun";
    /// There is no such entity.
    EntityMissing = "entity-missing", 404, false, "there is no such entity";
    /// A page of another site asks.
    ForeignOrigin = "foreign-origin", 403, false, "a page of another site asks";
    /// There is no such handler.
    HandlerMissing = "handler-missing", 404, false, "there is no such handler";
    /// The handler is not open to the world outside.
    HandlerNotOpen = "handler-not-open", 403, false, "the handler is not open to the world outside";
    /// The handler panicked.
    HandlerPanicked = "handler-panicked", 500, false, "the handler panicked";
    /// The headers are too large.
    HeadersTooLarge = "headers-too-large", 431, false, "the headers are too large";
    /// The node met a bug of its own.
    Internal = "internal", 500, false, "the node met a bug of its own";
    /// There is no such kind of entity.
    KindMissing = "kind-missing", 404, false, "there is no such kind of entity";
    /// A line is too long.
    LineTooLong = "line-too-long", 413, false, "a line is too long";
    /// This handler only looks.
    LookIsGet = "look-is-get", 405, false, "this handler only looks";
    /// The path does not know this method.
    MethodNotAllowed = "method-not-allowed", 405, false, "the path does not know this method";
    /// The answer has no such form.
    NotAcceptable = "not-acceptable", 406, false, "the answer has no such form";
    /// The node is not ready.
    NotReady = "not-ready", 503, true, "the node is not ready";
    /// A producer's numbers ascend.
    NumbersNotAscending = "numbers-not-ascending", 409, false, "a producer's numbers ascend";
    /// Nobody knows whether it was done.
    OutcomeUnknown = "outcome-unknown", 503, true, "nobody knows whether it was done";
    /// There is no such parked message.
    ParkedMissing = "parked-missing", 404, false, "there is no such parked message";
    /// The entity cannot be reached.
    PartitionStopped = "partition-stopped", 503, true, "the entity cannot be reached";
    /// There is nothing at this path.
    PathUnknown = "path-unknown", 404, false, "there is nothing at this path";
    /// The producer has a stream open.
    ProducerInUse = "producer-in-use", 409, true, "the producer has a stream open";
    /// Messages have a producer.
    ProducerMissing = "producer-missing", 400, false, "messages have a producer";
    /// The entity said no.
    Refused = "refused", 409, false, "the entity said no";
    /// The request did not arrive in time.
    RequestTimeout = "request-timeout", 408, true, "the request did not arrive in time";
    /// The store cannot be read.
    StoreUnreadable = "store-unreadable", 500, false, "the store cannot be read";
    /// The stream broke.
    StreamBroken = "stream-broken", 503, true, "the stream broke";
    /// A token is needed.
    TokenMissing = "token-missing", 401, false, "a token is needed";
    /// The token is not this node's.
    TokenWrong = "token-wrong", 401, false, "the token is not this node's";
    /// Too many connections are open.
    TooManyConnections = "too-many-connections", 503, true, "too many connections are open";
    /// Too many streams are open.
    TooManyStreams = "too-many-streams", 503, true, "too many streams are open";
    /// The transaction is too large.
    TransactionTooLarge = "transaction-too-large", 413, false, "the transaction is too large";
    /// The entity's state cannot be read.
    UnreadableState = "unreadable-state", 500, false, "the entity's state cannot be read";
    /// The body has another form.
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

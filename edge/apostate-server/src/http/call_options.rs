//! What a request's header fields ask for: a client key, an answer without a reply, a deadline.

use std::time::{Duration, Instant};

use apostate_api::ErrorCode;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::http::fault::Fault;

/// The header field of client keys.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header field of deadlines.
pub(crate) const DEADLINE_MS: HeaderName = HeaderName::from_static("deadline-ms");
/// The header field of preferences.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a header field adds to its name and its value, as others count it too.
const FIELD_OVERHEAD_BYTES: usize = 4;

/// Longest client key.
const CLIENT_KEY_BYTES_MAX: usize = apostate_partition::limits::CLIENT_KEY_BYTES_MAX;

/// The longest deadline that means anything: a year.
const DEADLINE_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a request's header fields ask for.
#[derive(Debug, Default)]
pub(crate) struct CallOptions {
    /// A repetition with the same key gets the same reply.
    pub(crate) client_key: Option<Box<str>>,
    /// The reply is not wanted, only the word that it is durable.
    pub(crate) is_async: bool,
    /// Nobody waits for longer than this.
    pub(crate) deadline: Option<Instant>,
}

impl CallOptions {
    /// Reads the header fields of a request that came at this time.
    pub(crate) fn of(headers: &HeaderMap, came: Instant) -> Result<Self, Fault> {
        let mut options = Self::default();
        for (name, value) in headers {
            if *name == IDEMPOTENCY_KEY {
                let key = client_key(value).ok_or_else(|| Fault::new(ErrorCode::BadClientKey, BAD_CLIENT_KEY))?;
                if options.client_key.replace(key).is_some() {
                    return Err(Fault::new(ErrorCode::BadClientKey, "there are two Idempotency-Key header fields"));
                }
            } else if *name == PREFER {
                options.prefer(value, came)?;
            } else if *name == DEADLINE_MS {
                let wait = text(value).and_then(|text| text.parse().ok()).map(Duration::from_millis);
                let wait = wait.ok_or_else(|| {
                    Fault::new(
                        ErrorCode::BadHeader,
                        "Deadline-Ms is a number of milliseconds, such as `Deadline-Ms: 250`",
                    )
                })?;
                options.wait(came, wait);
            }
        }
        Ok(options)
    }

    /// How long the sender of these waits, who asks now.
    pub(crate) fn deadline(headers: &HeaderMap) -> Result<Option<Instant>, Fault> {
        Ok(Self::of(headers, Instant::now())?.deadline)
    }

    /// Preferences that we do not know are left alone, as they are meant to be.
    fn prefer(&mut self, value: &HeaderValue, came: Instant) -> Result<(), Fault> {
        let bad = || Fault::new(ErrorCode::BadHeader, "Prefer is a list such as `Prefer: respond-async, wait=10`");
        for preference in outside_quotes(text(value).ok_or_else(bad)?, ',') {
            let preference = outside_quotes(preference, ';').next().unwrap_or_default().trim();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            if name.trim().eq_ignore_ascii_case("respond-async") {
                self.is_async = true;
            } else if name.trim().eq_ignore_ascii_case("wait") {
                let value = value.trim();
                let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                let seconds = unquoted.unwrap_or(value).parse().map_err(|_| bad())?;
                self.wait(came, Duration::from_secs(seconds));
            }
        }
        Ok(())
    }

    /// Of two deadlines the sooner one counts.
    fn wait(&mut self, came: Instant, wait: Duration) {
        let deadline = came + wait.min(DEADLINE_MAX);
        self.deadline = Some(self.deadline.map_or(deadline, |other| other.min(deadline)));
    }
}

const BAD_CLIENT_KEY: &str = "an Idempotency-Key is a text in quotes such as `Idempotency-Key: \"7f3c\"`, or the same \
    without quotes if it has neither spaces nor quotes in it, of 1 to 255 characters of ASCII";

/// The client key that a header field's value says: a string as structured fields have it, or a bare word.
fn client_key(value: &HeaderValue) -> Option<Box<str>> {
    let text = text(value)?.trim();
    let key: Box<str> = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?.into(),
        None => text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte)).then(|| text.into())?,
    };
    (1..=CLIENT_KEY_BYTES_MAX).contains(&key.len()).then_some(key)
}

/// The parts of `text` between signs that do not stand in quotes.
fn outside_quotes(text: &str, between: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |sign| {
        is_quoted ^= sign == '"' && !is_escaped;
        is_escaped = is_quoted && sign == '\\' && !is_escaped;
        sign == between && !is_quoted
    })
}

/// What stands before the closing quote, which has to be the end.
fn unquoted(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(key),
            '\\' => key.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            plain => key.push(Some(plain).filter(|plain| matches!(plain, ' '..='~'))?),
        }
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    // Visible ASCII and spaces only.
    value.to_str().ok()
}

/// What all header fields take together.
pub(crate) fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD_BYTES).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(fields: &[(HeaderName, &str)]) -> Result<CallOptions, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().expect("a value"));
        }
        CallOptions::of(&headers, Instant::now())
    }

    #[test]
    fn a_client_key_is_a_quoted_text_or_a_bare_word() {
        let key = |value: &str| options(&[(IDEMPOTENCY_KEY, value)]).ok().and_then(|options| options.client_key);
        assert_eq!(key("\"order 7\"").as_deref(), Some("order 7"));
        assert_eq!(key(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(key("0192-abc").as_deref(), Some("0192-abc"));
        let longest = "k".repeat(255);
        assert_eq!(key(&longest).as_deref(), Some(longest.as_str()));
        for bad in
            ["", "\"\"", "\"open", "\"a\"b", "\"a\\n\"", "two words", "a,b", "a\"b", "\"a\tb\"", &"k".repeat(256)]
        {
            assert_eq!(key(bad), None, "{bad}");
        }
        assert!(options(&[(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "b")]).is_err());
    }

    #[test]
    fn preferences_may_be_many_and_unknown() {
        let seen = options(&[(PREFER, "handling=lenient, Respond-Async; x, wait=10")]).expect("preferences");
        assert!(seen.is_async && seen.deadline.is_some());
        let seen = options(&[(PREFER, "return=minimal")]).expect("preferences");
        assert!(!seen.is_async && seen.deadline.is_none());
        let seen = options(&[(PREFER, r#"x="a, wait=0", y="\", wait=0", wait="10""#)]).expect("preferences");
        assert!(seen.deadline.expect("a deadline") > Instant::now() + Duration::from_secs(5));
        for bad in ["wait=soon", "wait=\"1"] {
            assert!(options(&[(PREFER, bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        let seen = options(&[(DEADLINE_MS, "50"), (PREFER, "wait=3600")]).expect("deadlines");
        assert!(seen.deadline.expect("a deadline") < Instant::now() + Duration::from_secs(60));
        for bad in ["", "-1", "soon", "1.5"] {
            assert!(options(&[(DEADLINE_MS, bad)]).is_err(), "{bad}");
        }
        assert!(options(&[(DEADLINE_MS, "18446744073709551615")]).is_ok());
    }
}

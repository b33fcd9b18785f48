//! Cross-origin resource sharing: pages of origins that the operator named may ask this node from a browser.
//!
//! A browser asks first (a preflight: `OPTIONS` without a token), and shows its page an answer only if the answer names the page's origin.
//! Pages of other origins get neither, and without a token their requests are refused: see `origin`.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response, StatusCode, Uri};

use crate::http::reply::Reply;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, DELETE");

/// Header fields that a page may send: all that the interface knows.
const SENT: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, deadline-ms, idempotency-key, if-none-match, prefer, producer, traceparent, tracestate",
);

/// Header fields that a page may read of an answer.
const SHOWN: HeaderValue = HeaderValue::from_static(
    "entity-version, etag, idempotency-replayed, preference-applied, retry-after, www-authenticate",
);

/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Whether `origin` can be that of a page: a scheme and a host, and no more.
pub(crate) fn is_origin(origin: &str) -> bool {
    let Some(host) = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) else { return false };
    let is_plain = !host.contains(['/', '?', '#', '@', '*', ' ']) && host == host.to_ascii_lowercase();
    is_plain && origin.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// The origin of the page that asks, if it is among `origins`.
pub(crate) fn allowed(headers: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    let mut said = headers.get_all(ORIGIN).iter();
    let (Some(origin), None) = (said.next(), said.next()) else { return None };
    origins.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes()).then(|| origin.clone())
}

/// The answer to a browser that asks whether the page of this origin may send a request.
pub(crate) fn preflight(parts: &Parts, origin: Option<&HeaderValue>) -> Option<Response<Reply>> {
    let is_preflight = parts.method == Method::OPTIONS && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let origin = origin.filter(|_| is_preflight)?;
    let mut response = Response::new(Reply::whole(Vec::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, SENT);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    show_to(headers, origin);
    Some(response)
}

/// Lets the page of this origin read the answer with these header fields.
pub(crate) fn show_to(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for origin in ["https://shop.example", "http://localhost:5173", "https://a.b:8443", "http://[::1]:80"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in ["*", "https://*.example", "shop.example", "https://", "https://a/", "https://A.example", "null"] {
            assert!(!is_origin(other), "{other}");
        }
    }

    #[test]
    fn an_origin_is_allowed_as_it_is_written_and_alone() {
        let origins = ["https://shop.example".to_owned()];
        let allows = |said: &[&str]| {
            let mut headers = HeaderMap::new();
            for origin in said {
                headers.append(ORIGIN, origin.parse().expect("a value"));
            }
            allowed(&headers, &origins).is_some()
        };
        assert!(allows(&["https://shop.example"]));
        for said in [&[][..], &["http://shop.example"], &["https://shop.example", "https://shop.example"]] {
            assert!(!allows(said), "{said:?}");
        }
    }
}

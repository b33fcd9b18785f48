//! Protection against cross-site requests and DNS rebinding: rejects requests whose `Origin`, `Sec-Fetch-Site` or `Host` show
//! that another site's page made them.
//!
//! A node without a token trusts every program that reaches it, and a browser on the same machine is one. So a page of another
//! site must not be able to use that browser (request forgery), nor a name of its own that resolves to this machine (DNS
//! rebinding). An image or a script is fetched without an `Origin`, and every list costs a checkpoint; so what the browser says
//! of the asking site counts as well.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};

/// The header field in which a browser says how the asking page's site relates to ours.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of another site may have sent a request with these header fields. `is_allowed`: its one `Origin` is among those that
/// the operator named.
pub(crate) fn is_sent_by_a_page(headers: &HeaderMap, is_allowed: bool) -> bool {
    let host = match headers.get(HOST).map(|host| host.to_str()) {
        None => None,
        Some(Ok(host)) if is_own_name(host) => Some(host),
        Some(_) => return true,
    };
    if is_allowed {
        return false;
    }
    let own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some() && authority == host
    };
    // `none`: a person typed the address. `same-site` is another program of this machine.
    let is_own_site = |site: &[u8]| site == b"same-origin" || site == b"none";
    headers.get_all(ORIGIN).iter().any(|origin| !origin.to_str().is_ok_and(own))
        || headers.get_all(SEC_FETCH_SITE).iter().any(|site| !is_own_site(site.as_bytes()))
}

/// Whether `host` cannot be rebound by another site: an address, or a machine's name for itself.
fn is_own_name(host: &str) -> bool {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = if has_port { host.rsplit_once(':').map_or(host, |(name, _)| name) } else { host };
    if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return address.parse::<IpAddr>().is_ok();
    }
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sent(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("a value"));
        }
        is_sent_by_a_page(&headers, false)
    }

    #[test]
    fn programs_and_own_pages_are_told_from_pages_of_others() {
        for host in ["localhost", "localhost:7070", "127.0.0.1:7070", "[::1]:7070", "10.0.0.7", "a.localhost:1"] {
            assert!(!is_sent(host, None), "{host}");
            assert!(!is_sent(host, Some(&format!("http://{host}"))), "{host}");
            assert!(is_sent(host, Some("http://evil.example")) && is_sent(host, Some("null")), "{host}");
        }
        for host in
            ["evil.example", "evil.example:7070", "localhost.evil.example", "127.0.0.1.evil.example:7070", "::1"]
        {
            assert!(is_sent(host, None), "{host}");
        }
        assert!(is_sent("localhost:7070", Some("http://localhost:8080")), "another program of this machine");
    }

    #[test]
    fn a_browser_that_names_no_origin_says_whose_page_asks() {
        for (site, foreign) in [("cross-site", true), ("same-site", true), ("same-origin", false), ("none", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "localhost:7070".parse().expect("a value"));
            headers.insert(SEC_FETCH_SITE, site.parse().expect("a value"));
            assert_eq!(is_sent_by_a_page(&headers, false), foreign, "{site}");
        }
    }
}

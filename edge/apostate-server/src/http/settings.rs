//! How the edge is set up. Everything has a default, and the defaults are safe on a machine that one trusts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::SettingsError;
use crate::http::certificate::TlsCertificate;
use crate::http::cors::is_origin;
use crate::settings::{COUNT_MAX, check, check_time};

/// The address of a node that nobody says anything about.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

/// Shortest token that is one: what is shorter can be tried out.
const TOKEN_BYTES_MIN: usize = 16;

/// Longest body that may be allowed: it is read as a whole.
const BODY_BYTES_MAX: usize = 1 << 30;

/// Shortest time that a client may be given for anything.
const TIMEOUT_MIN: Duration = Duration::from_millis(10);

/// Most header fields of one request that may be allowed.
pub(crate) const HEADERS_MAX: usize = 100;

/// How a node listens to the world. Limits are those of the whole process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it listens. Port 0: any that is free.
    pub listen: SocketAddr,
    /// Who sends this as a bearer token may do everything; nobody else may do more than ask whether the node is alive, and
    /// what an error means.
    pub token: Option<String>,
    /// The certificate of the node: with one it speaks TLS, and nothing else.
    pub certificate: Option<TlsCertificate>,
    /// Listens without a token to others than this machine, and to pages of all sites. With a token it means nothing.
    pub insecure: bool,
    /// Origins, such as `https://shop.example`, whose pages may ask this node from a browser.
    pub cors_origins: Vec<String>,
    /// Threads that serve connections. None: one per core, and no more than four.
    pub threads: Option<usize>,
    /// Longest body of a request, and longest line of a stream, in bytes.
    pub body_bytes_max: usize,
    /// Bytes of long bodies and long answers that are in memory at once.
    pub bodies_bytes_max: usize,
    /// Most bytes of all header fields of one request together.
    pub header_bytes_max: usize,
    /// Most header fields of one request.
    pub headers_max: usize,
    /// Most connections at once. More are told so, and closed.
    pub connections_max: usize,
    /// Most lists and streams of messages at once.
    pub streams_max: usize,
    /// Requests that may wait for their entities at once. More are told to come again.
    pub requests_max: usize,
    /// How long the head of a request may take, from its first byte on.
    pub header_timeout: Duration,
    /// How long the body of a request may take; of a stream, how long each further piece of it.
    pub body_timeout: Duration,
    /// How long a connection may be idle.
    pub idle_timeout: Duration,
    /// How long a client may read nothing of its answer.
    pub write_timeout: Duration,
    /// How long [`stop`](crate::Serving::stop) waits for answers that are under way.
    pub stop_patience: Duration,
    /// What the interface's own description calls the application.
    pub title: String,
    /// The application's version, there.
    pub version: String,
    /// What it is, in Markdown, there.
    pub description: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            token: None,
            certificate: None,
            insecure: false,
            cors_origins: Vec::new(),
            threads: None,
            body_bytes_max: 4 << 20,
            bodies_bytes_max: 256 << 20,
            header_bytes_max: 16 << 10,
            headers_max: 64,
            connections_max: 10_000,
            streams_max: 64,
            requests_max: 8192,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            stop_patience: Duration::from_secs(10),
            title: "apostate".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: String::new(),
        }
    }
}

impl HttpSettings {
    /// Everything by default, at another address.
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        Self { listen, ..Self::default() }
    }

    pub(crate) fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or(cores.min(4))
    }

    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let Self {
            listen,
            token,
            certificate: _,
            insecure,
            cors_origins,
            threads,
            body_bytes_max,
            bodies_bytes_max,
            header_bytes_max,
            headers_max,
            connections_max,
            streams_max,
            requests_max,
            header_timeout,
            body_timeout,
            idle_timeout,
            write_timeout,
            stop_patience,
            title: _,
            version: _,
            description: _,
        } = self;
        let is_open = token.is_some() || *insecure || listen.ip().is_loopback();
        check(is_open, "listen", listen, "a loopback address, set `token` or `token-file`, or say `insecure`")?;
        token.as_deref().map_or(Ok(()), check_token)?;
        for origin in cors_origins {
            let allowed = "origins with a scheme and a host, such as `https://shop.example`, with commas between them";
            check(is_origin(origin), "cors-origins", &format!("`{origin}`"), allowed)?;
        }
        check(threads.is_none_or(|count| (1..=64).contains(&count)), "http-threads", &self.threads(), "1 to 64")?;
        let allowed = format!("1024 to {BODY_BYTES_MAX}");
        check((1024..=BODY_BYTES_MAX).contains(body_bytes_max), "body-bytes-max", body_bytes_max, &allowed)?;
        let allowed = "at least as much as `body-bytes-max`";
        check(bodies_bytes_max >= body_bytes_max, "bodies-bytes-max", bodies_bytes_max, allowed)?;
        check((1024..=48 << 10).contains(header_bytes_max), "header-bytes-max", header_bytes_max, "1024 to 49152")?;
        let allowed = format!("8 to {HEADERS_MAX}");
        check((8..=HEADERS_MAX).contains(headers_max), "headers-max", headers_max, &allowed)?;
        let counts =
            [("connections-max", connections_max), ("streams-max", streams_max), ("requests-max", requests_max)];
        for (setting, count) in counts {
            check((1..=COUNT_MAX).contains(count), setting, count, &format!("1 to {COUNT_MAX}"))?;
        }
        let times = [
            ("header-timeout", header_timeout),
            ("body-timeout", body_timeout),
            ("idle-timeout", idle_timeout),
            ("write-timeout", write_timeout),
        ];
        for (setting, time) in times {
            check_time(setting, *time, TIMEOUT_MIN)?;
        }
        check_time("stop-patience", *stop_patience, Duration::ZERO)
    }
}

/// An error unless `token` can be one.
pub(crate) fn check_token(token: &str) -> Result<(), SettingsError> {
    let fits = token.len() >= TOKEN_BYTES_MIN && token.bytes().all(|byte| byte.is_ascii_graphic());
    // The error never names the token itself.
    let allowed = format!("at least {TOKEN_BYTES_MIN} characters of ASCII without spaces");
    check(fits, "token", &"too short, or has odd characters", &allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_other_machines_need_a_token() {
        assert_eq!(HttpSettings::default().validate(), Ok(()));
        let everywhere = HttpSettings::at(([0, 0, 0, 0], 0).into());
        let error = everywhere.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            "`listen` is 0.0.0.0:0; choose a loopback address, set `token` or `token-file`, or say `insecure`"
        );
        let token = |token: &str| HttpSettings { token: Some(token.to_owned()), ..everywhere.clone() };
        assert_eq!(token("0123456789abcdef").validate(), Ok(()));
        let error = token("secret").validate().unwrap_err().to_string();
        assert!(error.contains("token") && !error.contains("secret"), "{error}");
        assert_eq!(HttpSettings { insecure: true, ..everywhere }.validate(), Ok(()));
    }

    #[test]
    fn what_nobody_can_have_is_refused_before_anything_starts() {
        let (huge, long) = (usize::MAX / 8 + 1, Duration::MAX);
        let default = HttpSettings::default;
        let cases = [
            ("streams-max", HttpSettings { streams_max: huge, ..default() }, "1 to 1048576"),
            ("connections-max", HttpSettings { connections_max: huge, ..default() }, "1 to 1048576"),
            ("requests-max", HttpSettings { requests_max: huge, ..default() }, "1 to 1048576"),
            ("body-bytes-max", HttpSettings { body_bytes_max: huge, ..default() }, "1024 to 1073741824"),
            (
                "header-timeout",
                HttpSettings { header_timeout: long, ..default() },
                "at least 10ms and at most 365 days",
            ),
            ("body-timeout", HttpSettings { body_timeout: long, ..default() }, "at least 10ms and at most 365 days"),
            ("idle-timeout", HttpSettings { idle_timeout: long, ..default() }, "at least 10ms and at most 365 days"),
            (
                "write-timeout",
                HttpSettings { write_timeout: Duration::ZERO, ..default() },
                "at least 10ms and at most 365 days",
            ),
            ("stop-patience", HttpSettings { stop_patience: long, ..default() }, "at most 365 days"),
        ];
        for (setting, settings, allowed) in cases {
            let error = settings.validate().unwrap_err();
            assert_eq!((error.setting, error.allowed.as_str()), (setting, allowed));
        }
    }
}

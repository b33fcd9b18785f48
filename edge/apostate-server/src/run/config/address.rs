//! An address to listen on: numbers, or a name that this machine knows.

use std::net::{SocketAddr, ToSocketAddrs};

use serde::{Deserialize, Deserializer, de};

/// The address that `text` names. Of several that a name has, the first of IPv4 counts, else the first.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let wanted = "an address and a port is wanted, such as 127.0.0.1:7070, [::]:7070 or localhost:7070";
    let is_pair = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !is_pair {
        return Err(wanted.to_owned());
    }
    let found = text.to_socket_addrs().map_err(|error| format!("{error}; {wanted}"))?.collect::<Vec<_>>();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| wanted.to_owned())
}

/// The same, in a file of settings.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    parse(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_resolved_and_what_is_no_address_says_what_one_is() {
        assert_eq!(parse("0.0.0.0:80"), Ok(([0, 0, 0, 0], 80).into()));
        assert_eq!(parse("[::1]:7070").map(|address| address.to_string()), Ok("[::1]:7070".to_owned()));
        let local = parse("localhost:7676").expect("every machine knows itself");
        assert!(local.ip().is_loopback() && local.port() == 7676, "{local}");
        for invalid in ["", "7070", ":7070", "localhost", "127.0.0.1:", "127.0.0.1:70700", "a b:7070"] {
            let error = parse(invalid).expect_err(invalid);
            assert!(error.contains("such as 127.0.0.1:7070"), "{error}");
        }
    }
}

//! Settings of traces.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::settings::check::SettingsError;

/// The collector of traces, and how many requests are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// The URL of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`. Without a path it is
    /// asked at `/v1/traces`.
    pub collector: String,
    /// The share of the requests that are traced among those that come without a trace of their own.
    pub share: Share,
    /// The name of the application there, unless `OTEL_SERVICE_NAME` gives another.
    pub service: String,
}

impl TraceSettings {
    /// Every request is traced, and sent to `collector`.
    #[must_use]
    pub fn new(collector: impl Into<String>) -> Self {
        Self { collector: collector.into(), share: Share::ALL, service: "apostate".to_owned() }
    }

    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        self.endpoint().map(drop)
    }

    /// The whole URL that spans are sent to.
    pub(crate) fn endpoint(&self) -> Result<String, SettingsError> {
        let is_usable = |url: &hyper::Uri| url.scheme_str() == Some("http") && url.authority().is_some();
        let url = self.collector.parse::<hyper::Uri>().ok().filter(is_usable).ok_or_else(|| SettingsError {
            setting: "traces",
            value: format!("`{}`", self.collector),
            allowed: "the URL of a collector, such as http://127.0.0.1:4318".to_owned(),
        })?;
        Ok(if url.path() == "/" {
            format!("{}/v1/traces", self.collector.trim_end_matches('/'))
        } else {
            url.to_string()
        })
    }
}

/// A share of a whole: `1`, `0.01`, `1%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of 2³², so that it can be compared with a random number.
    parts: u64,
}

impl Share {
    /// All of it.
    pub const ALL: Self = Self { parts: 1 << 32 };

    /// The share `part` of 1; none if it is not between 0 and 1.
    #[must_use]
    pub fn of(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then_some(Self { parts: (part * Self::ALL.parts as f64) as u64 })
    }

    /// Whether the trace with this random id is among it: every node with the same share decides alike.
    pub(crate) fn holds(self, trace: [u8; 16]) -> bool {
        let [.., a, b, c, d] = trace;
        u64::from(u32::from_be_bytes([a, b, c, d])) < self.parts
    }
}

const SHARE: &str = "a share from 0 to 1, such as 0.01 or 1%";

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, whole) =
            text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |percent| (percent.trim(), 100.0));
        let part = number.parse::<f64>().ok().and_then(|number| Self::of(number / whole));
        part.ok_or_else(|| format!("not {SHARE}"))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Share;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SHARE)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Share, E> {
                Share::of(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Share, E> {
                self.visit_f64(number as f64)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Share, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_people_write_it() {
        for (text, part) in [("1", 1.0), ("0", 0.0), ("0.01", 0.01), ("1%", 0.01), ("100 %", 1.0)] {
            assert_eq!(text.parse(), Ok(Share::of(part).expect("a share")), "{text}");
        }
        for text in ["", "2", "-1", "101%", "half", "NaN"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_whole_holds_every_trace_and_nothing_none() {
        for trace in [[0; 16], [255; 16]] {
            assert!(Share::ALL.holds(trace));
            assert!(!Share::of(0.0).expect("a share").holds(trace));
        }
        let half = Share::of(0.5).expect("a share");
        assert!(half.holds([127; 16]) && !half.holds([128; 16]));
    }

    #[test]
    fn a_collector_is_asked_where_collectors_listen_unless_it_is_said_otherwise() {
        for (collector, endpoint) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector/", "http://collector/v1/traces"),
            ("http://collector/otlp/traces", "http://collector/otlp/traces"),
        ] {
            assert_eq!(TraceSettings::new(collector).endpoint().as_deref(), Ok(endpoint));
        }
        for wrong in ["", "127.0.0.1:4318", "https://collector", "http://", "collector"] {
            let error = TraceSettings::new(wrong).validate().unwrap_err().to_string();
            assert!(error.starts_with("`traces` is `") && error.contains("http://127.0.0.1:4318"), "{error}");
        }
    }
}

//! Names and bodies as people read them.

use std::sync::Arc;

use apostate_core::{Address, HandlerId, KindId, Registry, decode};

/// Bytes of a body or state that are shown.
const SHOWN_BYTES_MAX: usize = 240;

/// Knows what everything is called.
#[derive(Clone)]
pub(crate) struct Names(pub(crate) Arc<Registry>);

impl Names {
    /// `stock/tea`.
    pub(crate) fn entity(&self, address: &Address) -> String {
        match self.0.find(address.kind()) {
            Some(kind) => format!("{}/{}", self.0.kinds()[kind].name, address.key()),
            None => format!("{address:?}"),
        }
    }

    /// `take`.
    pub(crate) fn handler(&self, kind: KindId, handler: HandlerId) -> String {
        let kind = self.0.find(kind).map(|kind| &self.0.kinds()[kind]);
        let found = kind.and_then(|kind| Some(kind.handlers[kind.find(handler)?].name.to_owned()));
        found.unwrap_or_else(|| format!("{handler:?}"))
    }

    /// `order/3 → stock/tea take {"units":1}`.
    pub(crate) fn message(&self, from: Option<&Address>, to: &Address, handler: HandlerId, body: &[u8]) -> String {
        let from = from.map_or_else(|| "test".to_owned(), |from| self.entity(from));
        let (to, handler) = (self.entity(to), self.handler(to.kind(), handler));
        match value(body).as_str() {
            "{}" => format!("{from} → {to} {handler}"),
            body => format!("{from} → {to} {handler} {body}"),
        }
    }
}

/// An encoded value, as JSON if it can be.
pub(crate) fn value(bytes: &[u8]) -> String {
    let text = match decode::<serde_json::Value>(bytes) {
        Ok(value) => value.to_string(),
        Err(_) => format!("{bytes:02x?}"),
    };
    cut(text)
}

/// An encoded state: the version of its shape stands in front.
pub(crate) fn state(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "nothing".to_owned(), |bytes| value(bytes.get(4..).unwrap_or_default()))
}

fn cut(mut text: String) -> String {
    if text.len() > SHOWN_BYTES_MAX {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use apostate_core::encode;

    use super::*;

    #[test]
    fn a_value_is_shown_as_json_and_a_long_one_is_cut() {
        assert_eq!(value(&encode(&("tea", 2))), r#"["tea",2]"#);
        assert_eq!(value(b"\xc1"), "[c1]");
        assert!(value(&encode(&"x".repeat(1000))).len() < 300);
        assert_eq!(state(None), "nothing");
    }
}

//! Content negotiation of lists: a page of JSON, or lines of it.
//!
//! Written by hand: to `headers-accept`, `application/json; charset=utf-8` is another type than `application/json`, so a client
//! that sends it would get 406.

use apostate_api::{ErrorCode, NDJSON_TYPE};
use hyper::HeaderMap;
use hyper::header::ACCEPT;

use crate::http::fault::Fault;

/// The names of a page, the most exact first: that one decides.
const PAGE: [&str; 3] = ["application/json", "application/*", "*/*"];

/// The names of lines.
const LINES: [&str; 4] = [NDJSON_TYPE, "application/ndjson", "application/*", "*/*"];

/// The form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object.
    Page,
    /// A line of JSON for each entity.
    Lines,
}

/// An accepted media type and its quality: 0 is not at all.
type Range = (String, f32);

/// The form that its reader prefers. Of two with the same quality it is the one named first, and a page if neither is named.
pub(crate) fn form(headers: &HeaderMap) -> Result<Form, Fault> {
    let said = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let ranges: Vec<Range> = said.flat_map(|accept| accept.split(',')).map(range).collect();
    if ranges.is_empty() {
        return Ok(Form::Page);
    }
    let place = |name: &&str| ranges.iter().position(|(range, _)| range == name);
    let quality = |names: &[&str]| names.iter().find_map(place).map_or(0.0, |place| ranges[place].1);
    let (page, lines) = (quality(&PAGE), quality(&LINES));
    let named = |names: &[&str]| names.iter().filter(|name| !name.ends_with('*')).filter_map(place).min();
    let lines_come_first = named(&LINES).is_some_and(|lines| named(&PAGE).is_none_or(|page| lines < page));
    if lines > page || (lines > 0.0 && lines == page && lines_come_first) {
        return Ok(Form::Lines);
    }
    if page > 0.0 {
        return Ok(Form::Page);
    }
    Err(Fault::new(
        ErrorCode::NotAcceptable,
        format!("a list is `application/json`, or `{NDJSON_TYPE}`, and nothing else"),
    ))
}

/// A media type without its parameters, and its `q`.
fn range(text: &str) -> Range {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (name, quality.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_form_that_its_reader_likes_best() {
        let (page, lines) = (Some(Form::Page), Some(Form::Lines));
        for (accept, expected) in [
            ("*/*", page),
            ("application/json", page),
            ("application/*; q=0.1", page),
            ("application/x-ndjson", lines),
            ("Application/NDJSON; charset=utf-8", lines),
            ("application/json, application/x-ndjson", page),
            ("application/x-ndjson, application/json", lines),
            ("application/x-ndjson, */*", lines),
            ("text/html, */*;q=0.8", page),
            ("application/x-ndjson;q=0.5, application/json", page),
            ("application/json;q=0, */*", lines),
            ("application/json;q=0", None),
            ("application/json; charset=utf-8; Q=0.0", None),
            ("*/*;q=0", None),
            ("application/x-ndjson;q=0", None),
            ("application/x-ndjson;q=0, */*", page),
            ("text/csv", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("a value"));
            assert_eq!(form(&headers).ok(), expected, "{accept}");
        }
        assert_eq!(form(&HeaderMap::new()).ok(), page);
    }
}

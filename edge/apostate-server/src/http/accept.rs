//! Which form of a list its reader accepts.

use apostate_api::{ErrorCode, NDJSON_TYPE};
use hyper::HeaderMap;
use hyper::header::ACCEPT;

use crate::http::fault::Fault;

/// What a page is called, the most exact name first: that one decides.
const PAGE: [&str; 3] = ["application/json", "application/*", "*/*"];

/// What lines are called.
const LINES: [&str; 4] = [NDJSON_TYPE, "application/ndjson", "application/*", "*/*"];

/// What a list looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object.
    Page,
    /// A line of JSON for each entity.
    Lines,
}

/// What is accepted, and how gladly: 0 is not at all.
type Range = (String, f32);

/// The form that its reader likes best. Who likes both as much gets the one that is named first, and a page without a name.
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

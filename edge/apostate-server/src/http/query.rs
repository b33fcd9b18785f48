//! The query of a URL, and the arguments of a read that it stands for.
//!
//! `?units=5&country=France` stands for `{"units": 5, "country": "France"}`. The schema of an argument decides how its value is
//! read: as JSON where it may have the JSON type of the value, else as text. So `?code=815` is a text where a text is wanted,
//! and a number where a number is. `?arguments={…}` says them exactly.
//!
//! Split here and not by `form_urlencoded`: that would replace what is not UTF-8 and keep a broken percent sign, where a client
//! is told of both.

use apostate_api::ErrorCode;
use serde_json::value::RawValue;

use crate::http::argument_types::ArgumentTypes;
use crate::http::fault::Fault;
use crate::http::json::quoted;
use crate::http::path::decoded_text;

/// The parameter that holds all arguments as one JSON object.
const ARGUMENTS: &str = "arguments";

/// Most parameters of one query.
const PARAMETERS_MAX: usize = 64;

/// A query, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query as forms write it: `+` is a space.
    pub(crate) fn of(query: &str) -> Result<Self, Fault> {
        let decoded = |text: &str| {
            decoded_text(&text.replace('+', " ")).ok_or_else(|| {
                let detail = format!("`{text}` in the query is not percent-encoded UTF-8; a percent sign is `%25`");
                Fault::new(ErrorCode::BadQuery, detail)
            })
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        if pairs.clone().nth(PARAMETERS_MAX).is_some() {
            let detail = format!("the query has more than {PARAMETERS_MAX} parameters");
            return Err(Fault::new(ErrorCode::BadQuery, detail));
        }
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        Ok(Self(pairs.collect::<Result<_, Fault>>()?))
    }

    /// The same, where every parameter is one of `known`, and said once. What is not known here, or not both times, would be
    /// left out in silence, and whoever sent it believes that it matters.
    pub(crate) fn only(query: &str, known: &[&str]) -> Result<Self, Fault> {
        let query = Self::of(query)?;
        query.check_known(known)?;
        query.check_once()?;
        Ok(query)
    }

    /// Checks that every parameter is one of `known`.
    pub(crate) fn check_known(&self, known: &[&str]) -> Result<(), Fault> {
        let Some((name, _)) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(" and ") };
        Err(Fault::new(ErrorCode::BadQuery, format!("`{name}` is no parameter here; there is {known}")))
    }

    /// The value of the parameter `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The arguments that the query stands for, as `read` takes them. `types` decides which values are JSON; where it leaves that
    /// open, JSON is tried before text.
    pub(crate) fn arguments(
        &self,
        types: &ArgumentTypes,
        read: impl Fn(&[u8]) -> Result<Vec<u8>, Fault>,
    ) -> Result<Vec<u8>, Fault> {
        if let [(name, value)] = self.0.as_slice()
            && name == ARGUMENTS
            && value.trim_start().starts_with('{')
        {
            return read(value.as_bytes());
        }
        self.check_once()?;
        let is_json = |value: &str| serde_json::from_str::<&RawValue>(value).is_ok();
        let admitted = |name: &str, value: &str| types.get(name).admit(value) && is_json(value);
        let first = match read(&self.object(admitted)) {
            Ok(arguments) => return Ok(arguments),
            Err(fault) => fault,
        };
        let is_open = |name: &str, value: &str| types.get(name).is_open() && is_json(value);
        if !self.0.iter().any(|(name, value)| is_open(name, value)) {
            return Err(first);
        }
        let closed = |name: &str, value: &str| admitted(name, value) && !is_open(name, value);
        read(&self.object(closed)).map_err(|_| first)
    }

    /// Whether every parameter is said once.
    fn check_once(&self) -> Result<(), Fault> {
        let mut names = self.0.iter().zip(1..);
        match names.find(|((name, _), next)| self.0[*next..].iter().any(|(other, _)| other == name)) {
            None => Ok(()),
            Some(((name, _), _)) => Err(Fault::new(ErrorCode::BadQuery, format!("`{name}` is in the query twice"))),
        }
    }

    /// The object whose values are JSON where `is_json` says so, and text elsewhere.
    fn object(&self, is_json: impl Fn(&str, &str) -> bool) -> Vec<u8> {
        let mut text = vec![b'{'];
        for (name, value) in &self.0 {
            if text.len() > 1 {
                text.push(b',');
            }
            quoted(&mut text, name);
            text.push(b':');
            if is_json(name, value) {
                text.extend_from_slice(value.as_bytes());
            } else {
                quoted(&mut text, value);
            }
        }
        text.push(b'}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arguments of a handler with these types, which takes what `fits` says.
    fn arguments(
        query: &str,
        types: &ArgumentTypes,
        fits: fn(&serde_json::Value) -> bool,
    ) -> Option<serde_json::Value> {
        let read = |json: &[u8]| {
            let value: serde_json::Value = serde_json::from_slice(json).expect("we write JSON");
            if fits(&value) { Ok(json.to_vec()) } else { Err(Fault::new(ErrorCode::BadJson, "no")) }
        };
        let taken = Query::of(query).and_then(|query| query.arguments(types, read)).ok()?;
        Some(serde_json::from_slice(&taken).expect("JSON"))
    }

    #[test]
    fn the_schema_decides_whether_a_value_is_json_or_text() {
        let typed = ArgumentTypes::of_schema(&serde_json::json!({ "properties": {
            "code": { "type": "string" },
            "units": { "type": "integer" },
            "note": { "type": ["string", "null"] },
        } }));
        let value = |text: &str| Some(serde_json::from_str(text).expect("JSON"));
        let taken = |query: &str| arguments(query, &typed, |_| true);
        assert_eq!(taken("code=815&units=5"), value(r#"{"code":"815","units":5}"#));
        assert_eq!(taken("code=0815&note=null"), value(r#"{"code":"0815","note":null}"#));
        assert_eq!(taken("code=null&note=true"), value(r#"{"code":"null","note":"true"}"#));
        assert_eq!(taken("code=%22a%22&units=five"), value(r#"{"code":"a","units":"five"}"#));
    }

    #[test]
    fn values_of_open_types_are_json_where_that_fits_and_text_elsewhere() {
        let open = ArgumentTypes::default();
        let json = |text: &str| Some(serde_json::from_str(text).expect("JSON"));
        let taken = |query: &str| arguments(query, &open, |_| true);
        assert_eq!(taken(""), json("{}"));
        assert_eq!(taken("units=5&name=a+%26+b"), json(r#"{"units":5,"name":"a & b"}"#));
        assert_eq!(taken("a=0815&b=[1,2]&c=null&d"), json(r#"{"a":"0815","b":[1,2],"c":null,"d":""}"#));
        assert_eq!(taken(r#"arguments={"units":5}"#), json(r#"{"units":5}"#));
        assert_eq!(taken("arguments=5"), json(r#"{"arguments":5}"#));
        assert_eq!(arguments("code=815", &open, |value| value["code"].is_string()), json(r#"{"code":"815"}"#));
        assert_eq!(arguments("units=5", &open, |_| false), None);
    }

    #[test]
    fn a_parameter_that_nobody_knows_is_named_with_what_there_is() {
        let query = Query::only("limit=5&after=", &["after", "limit"]).expect("both are known");
        assert_eq!((query.get("limit"), query.get("after")), (Some("5"), Some("")));
        for (query, known, expected) in [
            ("Limit=1", &["after", "limit"][..], "`Limit` is no parameter here; there is `after` and `limit`"),
            ("limit=1", &["after"], "`limit` is no parameter here; there is `after`"),
            ("a%20b", &[], "`a b` is no parameter here; there is none"),
            ("after=1&after=1", &["after"], "`after` is in the query twice"),
        ] {
            let fault = Query::only(query, known).expect_err("it is refused");
            assert_eq!(fault.problem().detail, expected);
        }
    }

    #[test]
    fn a_query_that_is_none_is_told_so() {
        for query in ["a=%", "a=%FF", "%zz=1", "a=1&a=2"] {
            assert_eq!(arguments(query, &ArgumentTypes::default(), |_| true), None, "{query}");
        }
    }
}

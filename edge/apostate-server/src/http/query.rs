//! The query of a URL, and how it becomes a look's arguments.
//!
//! `?units=5&country=France` stands for `{"units": 5, "country": "France"}`: each value is taken as JSON where the handler
//! takes it so, else as a text. So `?code=0815` is a text where a text is wanted, for `0815` is no JSON; and `?code=815` is
//! one too, for the handler does not take a number there. Of all the ways to read the values the first that the handler takes is
//! taken, JSON before text, from the left. `?arguments={…}` says them exactly.

use apostate_api::ErrorCode;
use serde_json::value::RawValue;

use crate::http::fault::Fault;
use crate::http::path::decoded_text;

/// The parameter that holds all arguments as one JSON object.
const ARGUMENTS: &str = "arguments";

/// Of so many values that may be JSON or text every combination is tried.
const AMBIGUOUS_MAX: usize = 6;

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

    /// The arguments that it stands for, as `read` takes them.
    pub(crate) fn arguments(&self, read: impl Fn(&[u8]) -> Result<Vec<u8>, Fault>) -> Result<Vec<u8>, Fault> {
        if let [(name, value)] = self.0.as_slice()
            && name == ARGUMENTS
            && value.trim_start().starts_with('{')
        {
            return read(value.as_bytes());
        }
        self.check_once()?;
        let is_json = |value: &str| serde_json::from_str::<&RawValue>(value).is_ok();
        let ambiguous: Vec<bool> = self.0.iter().map(|(_, value)| is_json(value)).collect();
        let count = ambiguous.iter().filter(|is_ambiguous| **is_ambiguous).count();
        let ways = if count <= AMBIGUOUS_MAX { 1 << count } else { 2 };
        let mut first = None;
        for way in 0..ways {
            let all_text = count > AMBIGUOUS_MAX && way == 1;
            match read(&self.object(&ambiguous, if all_text { usize::MAX } else { way })) {
                Ok(arguments) => return Ok(arguments),
                Err(fault) => first.get_or_insert(fault),
            };
        }
        Err(first.expect("there is one way at least"))
    }

    /// Whether every parameter is said once.
    fn check_once(&self) -> Result<(), Fault> {
        let mut names = self.0.iter().zip(1..);
        match names.find(|((name, _), next)| self.0[*next..].iter().any(|(other, _)| other == name)) {
            None => Ok(()),
            Some(((name, _), _)) => Err(Fault::new(ErrorCode::BadQuery, format!("`{name}` is in the query twice"))),
        }
    }

    /// The object that has, of the values that may be JSON, those as text whose bits are set in `way`.
    fn object(&self, ambiguous: &[bool], way: usize) -> Vec<u8> {
        let mut text = vec![b'{'];
        let mut bit = 0_u32;
        for ((name, value), is_ambiguous) in self.0.iter().zip(ambiguous) {
            if text.len() > 1 {
                text.push(b',');
            }
            crate::http::json::quoted(&mut text, name);
            text.push(b':');
            let is_json = *is_ambiguous && way != usize::MAX && way.checked_shr(bit).is_none_or(|bits| bits & 1 == 0);
            bit += u32::from(*is_ambiguous);
            if is_json {
                text.extend_from_slice(value.as_bytes());
            } else {
                crate::http::json::quoted(&mut text, value);
            }
        }
        text.push(b'}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken by a handler that takes what `fits` says.
    fn arguments(query: &str, fits: fn(&serde_json::Value) -> bool) -> Option<serde_json::Value> {
        let read = |json: &[u8]| {
            let value: serde_json::Value = serde_json::from_slice(json).expect("we write JSON");
            if fits(&value) { Ok(json.to_vec()) } else { Err(Fault::new(ErrorCode::BadJson, "no")) }
        };
        let taken = Query::of(query).and_then(|query| query.arguments(read)).ok()?;
        Some(serde_json::from_slice(&taken).expect("JSON"))
    }

    #[test]
    fn values_are_json_where_that_fits_and_text_elsewhere() {
        let json = |text: &str| Some(serde_json::from_str(text).expect("JSON"));
        assert_eq!(arguments("", |_| true), json("{}"));
        assert_eq!(arguments("units=5&name=a+%26+b", |_| true), json(r#"{"units":5,"name":"a & b"}"#));
        assert_eq!(
            arguments("code=815&units=5", |value| value["code"].is_string() && value["units"].is_u64()),
            json(r#"{"code":"815","units":5}"#)
        );
        assert_eq!(arguments("a=0815&b=[1,2]&c=null&d", |_| true), json(r#"{"a":"0815","b":[1,2],"c":null,"d":""}"#));
        assert_eq!(arguments(r#"arguments={"units":5}"#, |_| true), json(r#"{"units":5}"#));
        assert_eq!(arguments("arguments=5", |_| true), json(r#"{"arguments":5}"#));
        let many = "a=1&b=1&c=1&d=1&e=1&f=1&g=1";
        assert_eq!(arguments(many, |value| value["g"].is_string()).map(|value| value["a"].clone()), json("\"1\""));
        assert_eq!(arguments("units=5", |_| false), None);
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
            assert_eq!(arguments(query, |_| true), None, "{query}");
        }
    }
}

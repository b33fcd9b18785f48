//! The node, asked over HTTP.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use apostate_api::Problem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

use crate::arguments::Access;
use crate::failure::Failure;

/// What stays as it is in a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long an answer may take to begin. A node that has so much to do says so much sooner.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest answer that is read at once.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A node, and what lets us in.
pub(crate) struct Node {
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Node {
    pub(crate) fn new(access: &Access) -> Result<Self, Failure> {
        let Access { url, token, token_file } = access;
        let token = match (token, token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|source| Failure::TokenFile { file: file.clone(), source })?;
                Some(text.trim_end().to_owned())
            }
            (None, None) => None,
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(PATIENCE))
            .user_agent(concat!("apostate-cli/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { agent, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// What the node answers to a GET.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask("GET", path, &[], Vec::new()).and_then(|answer| self.read(answer))
    }

    /// What the node answers to something that changes an entity. `key` makes it safe to ask again.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, key: &str, body: &Value) -> Result<T, Failure> {
        let key = format!("\"{key}\"");
        let headers = [("content-type", "application/json"), ("idempotency-key", &key)];
        self.ask("POST", path, &headers, body.to_string().into_bytes()).and_then(|answer| self.read(answer))
    }

    /// Has the node do something that answers with nothing.
    pub(crate) fn order(&self, method: &str, path: &str) -> Result<(), Failure> {
        self.ask(method, path, &[], Vec::new()).map(drop)
    }

    /// A list, line by line, as it comes.
    pub(crate) fn lines(&self, path: &str) -> Result<impl Iterator<Item = Result<Value, Failure>> + use<>, Failure> {
        let answer = self.ask("GET", path, &[("accept", "application/x-ndjson")], Vec::new())?;
        let url = self.url.clone();
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        Ok(lines.map(move |line| {
            let line = line.map_err(|error| Failure::Broken { url: url.clone(), detail: error.to_string() })?;
            let value: Value = parsed(&url, &line)?;
            // What breaks off says why in its last line.
            match value.get("type").is_some() && value.get("key").is_none() {
                true => Err(Failure::Problem(Box::new(parsed(&url, &line)?))),
                false => Ok(value),
            }
        }))
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).map_err(|error| Failure::Url { detail: error.to_string() })?;
        let answer = self.agent.run(request);
        let mut answer =
            answer.map_err(|error| Failure::Unreachable { url: self.url.clone(), source: Box::new(error) })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => Err(Failure::Problem(Box::new(problem))),
            Err(_) => Err(Failure::NoNode { url: self.url.clone(), status }),
        }
    }

    fn read<T: DeserializeOwned>(&self, mut answer: Response<Body>) -> Result<T, Failure> {
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| Failure::Broken { url: self.url.clone(), detail: error.to_string() })?;
        parsed(&self.url, &text)
    }
}

fn parsed<T: DeserializeOwned>(url: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Broken { url: url.to_owned(), detail: error.to_string() })
}

/// A text as one part of a path.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_key_stays_in_its_part_of_the_path() {
        assert_eq!(part("BANK CHARGES"), "BANK%20CHARGES");
        assert_eq!(part("a/b?c#d%e"), "a%2Fb%3Fc%23d%25e");
        assert_eq!(part("85123A-x_y.z~"), "85123A-x_y.z~");
    }
}

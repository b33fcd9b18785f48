//! A client that sends what it is told, byte for byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One connection.
pub struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, unread: Vec::new() }
    }

    /// A second handle of the same connection, to write while the other one reads.
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a handle")
    }

    /// Sends bytes as they are. The other end may have had enough.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref());
        self
    }

    /// Sends nothing more.
    pub fn hang_up(&mut self) -> &mut Self {
        let _ = self.stream.shutdown(Shutdown::Write);
        self
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.ask("GET", path, &[], "")
    }

    /// `POST` of JSON.
    pub fn post(&mut self, path: &str, body: &str) -> Response {
        self.ask("POST", path, &[], body)
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.send(request(method, path, headers, body));
        if method == "HEAD" {
            return self.head_only();
        }
        let response = self.response();
        if response.header("content-type") == Some(apostate_api::PROBLEM_TYPE) {
            let about = path.split('?').next();
            assert_eq!(response.json()["instance"].as_str(), about, "a problem says what it is about");
        }
        response
    }

    /// The next answer.
    pub fn response(&mut self) -> Response {
        self.try_response().expect("an answer")
    }

    /// The next answer; none if the connection was closed before it.
    pub fn try_response(&mut self) -> Option<Response> {
        let mut response = self.head()?;
        response.body = if response.header("transfer-encoding") == Some("chunked") {
            self.chunks()
        } else {
            let length = response.header("content-length").map_or(0, |length| length.parse().expect("a length"));
            self.bytes(length)?
        };
        Some(response)
    }

    /// The head of an answer that has no body.
    pub fn head_only(&mut self) -> Response {
        self.head().expect("an answer")
    }

    /// The next line of a streamed answer; none at its end.
    pub fn line(&mut self, rest: &mut Vec<u8>) -> Option<Value> {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).expect("a line of JSON"));
            }
            rest.extend(self.chunk()?);
        }
    }

    /// Whether the connection is closed, with nothing left to read.
    pub fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.read_more()
    }

    pub fn head(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if !self.read_more() {
                assert!(self.unread.is_empty(), "half a head: {}", String::from_utf8_lossy(&self.unread));
                return None;
            }
        };
        let head: Vec<u8> = self.unread.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("a head is text");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').expect("a header field");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Some(Response { status: status.parse().expect("a number"), headers: headers.collect(), body: Vec::new() })
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk() {
            body.extend(chunk);
        }
        body
    }

    /// The next chunk; none at the end, whether it was reached or cut.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let end = loop {
            if let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") {
                break end;
            }
            if !self.read_more() {
                return None;
            }
        };
        let line: Vec<u8> = self.unread.drain(..end + 2).collect();
        let length = usize::from_str_radix(std::str::from_utf8(&line).expect("text").trim(), 16).expect("a length");
        let chunk = self.bytes(length)?;
        self.bytes(2)?;
        (length > 0).then_some(chunk)
    }

    fn bytes(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.read_more() {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    /// False: the connection was closed.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.unread.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            // A read with a timeout is not begun again by the system, as after the process stood still.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.read_more(),
            Err(error) => panic!("nothing to read: {error}"),
        }
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Every line of a streamed answer.
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// A good answer's JSON.
    pub fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        self.json()
    }

    /// Checks that it is a problem with this code, and gives what it says.
    pub fn problem(&self, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("/errors/{code}"));
        let known: apostate_api::ErrorCode = code.parse().expect("a code of the list");
        if code != "refused" {
            assert_eq!(known.status(), self.status);
        }
        assert_eq!(self.header("retry-after").is_some(), known.is_retryable(), "{}", self.text());
        problem
    }
}

/// A request as bytes.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            text.push_str("content-type: application/json\r\n");
        }
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    } else if method == "POST" {
        text.push_str("content-length: 0\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

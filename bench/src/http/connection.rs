//! One connection: whole requests out, whole answers in.

use std::io::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::failure::{Failure, io};

/// A connection that is kept open, and its buffers.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(io(format!("no connection to {address}")))?;
        stream.set_nodelay(true).map_err(io("no connection without delay"))?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::new() })
    }

    /// POSTs a JSON body with a client key. The body of the answer, a 200; none if the node has too much to do, a 429.
    pub(crate) async fn post(&mut self, path: &str, key: u64, body: &str) -> Result<Option<&[u8]>, Failure> {
        self.request.clear();
        let length = body.len();
        let _ = write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nidempotency-key: \"{key}\"\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.exchange().await
    }

    /// GETs. As [`post`](Self::post).
    pub(crate) async fn get(&mut self, path: &str) -> Result<Option<&[u8]>, Failure> {
        self.request.clear();
        let _ = write!(self.request, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.exchange().await
    }

    async fn exchange(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.stream.write_all(&self.request).await.map_err(io("a request does not leave"))?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await.map_err(io("an answer does not come"))?;
            if read == 0 {
                return Err(Failure::Wrong("a connection was closed instead of an answer".to_owned()));
            }
            let Some((head, length)) = head(&self.answer) else { continue };
            if self.answer.len() >= head + length {
                break;
            }
        }
        let (head, length) = head(&self.answer).unwrap_or_default();
        match self.answer.get(..13) {
            Some(b"HTTP/1.1 200 ") => Ok(Some(&self.answer[head..head + length])),
            Some(b"HTTP/1.1 429 ") => Ok(None),
            _ => Err(Failure::Wrong(String::from_utf8_lossy(&self.answer).into_owned())),
        }
    }
}

/// How long the head of an answer is, and how long its body; none if the head is not all there.
fn head(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let lines = answer[..end].split(|&byte| byte == b'\n');
    let mut length = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        let is_length = name.eq_ignore_ascii_case(b"content-length:");
        is_length.then(|| std::str::from_utf8(value).ok()?.trim().parse().ok())?
    });
    Some((end, length.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\nEntity-Version: 3\r\nContent-Length: 2\r\n\r\n15";
        assert_eq!(head(answer), Some((answer.len() - 2, 2)));
        assert_eq!(head(&answer[..answer.len() - 4]), None);
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((27, 0)));
    }
}

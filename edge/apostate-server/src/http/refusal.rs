//! Refusal of a whole connection: one problem, written to the socket as it is, and the end.
//!
//! A connection that is not served has no HTTP connection of hyper's: its answer is written by hand, within a short time.

use std::io::{self, Write};
use std::time::Duration;

use http_body_util::{BodyExt, Collected};
use hyper::header::CONNECTION;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::fault::Fault;

/// Longest time that a client may take to read why it is not served.
const TELL_TIMEOUT: Duration = Duration::from_millis(500);

/// Writes `fault` to a client whose connection is not served, and closes it.
pub(crate) async fn tell(mut stream: TcpStream, fault: Fault) {
    let answer = written(fault).await;
    let tell = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        // What it has sent is read before the end, or the end would arrive before the answer.
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).await? > 0 {}
        io::Result::Ok(())
    };
    // The connection ends either way.
    let _ = tokio::time::timeout(TELL_TIMEOUT, tell).await;
}

/// The bytes of an answer that is the last one of its connection.
async fn written(fault: Fault) -> Vec<u8> {
    let (head, body) = fault.closing().into_response().into_parts();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let mut text = Vec::new();
    write!(text, "HTTP/1.1 {}\r\n", head.status).expect("memory takes everything");
    for (name, value) in &head.headers {
        text.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    debug_assert!(head.headers.contains_key(CONNECTION), "the client is told that the connection ends");
    write!(text, "content-length: {}\r\n\r\n", body.len()).expect("memory takes everything");
    text.extend_from_slice(&body);
    text
}

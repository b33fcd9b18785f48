//! A server whose answers are written before it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use apostate_api::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Gives one answer to each connection, in order and the last one for ever, and closes it.
pub(crate) struct Canned {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Canned {
    pub(crate) async fn start(answers: &[&str]) -> Self {
        Self::with(answers, false).await
    }

    /// Of an answer that begins so there is always more.
    pub(crate) async fn without_end(answer: &str) -> Self {
        Self::with(&[answer], true).await
    }

    async fn with(answers: &[&str], is_endless: bool) -> Self {
        let answers: Vec<_> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((connection, _)) = listener.accept().await {
                serve(connection, &answers[number.min(answers.len() - 1)], is_endless, &record).await;
                number += 1;
            }
        });
        Self { address, asked, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first lines of what it was asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics here").clone()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, answer: &str, is_endless: bool, asked: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if !matches!(connection.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    let text = String::from_utf8_lossy(&request);
    asked.lock().expect("nobody panics here").extend(text.lines().next().map(str::to_owned));
    // A client that has read enough may have gone.
    let mut is_taken = connection.write_all(answer.as_bytes()).await.is_ok();
    while is_endless && is_taken {
        is_taken = connection.write_all(&[b' '; 1 << 16]).await.is_ok();
    }
    let _ = connection.shutdown().await;
}

/// An answer of anybody.
pub(crate) fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// An answer of a node that says no.
pub(crate) fn problem(problem: &Problem) -> String {
    answer(problem.status, &serde_json::to_string(problem).expect("JSON"))
}

/// Whether a request has come with its body, as far as it is answered: one that is closed before that may lose its answer.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    // Of a stream, its first line.
    if head.contains("transfer-encoding: chunked") {
        return body.contains("}\n");
    }
    let length = head.split("\r\n").find_map(|field| field.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().expect("a length"))
}

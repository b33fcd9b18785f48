//! A server that keeps its connections, on threads of its own, and answers as a test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use tokio::io::AsyncReadExt;

/// What becomes of a request.
pub(crate) enum Reply {
    /// It is answered, and another may come.
    Keep(String),
    /// It is answered, and the connection closed.
    Close(String),
    /// The connection is closed instead of an answer.
    Lose,
    /// It is answered when the test says so.
    Late(String),
}

impl Reply {
    pub(crate) fn keep(answer: &str) -> Self {
        Self::Keep(answer.to_owned())
    }

    pub(crate) fn close(answer: &str) -> Self {
        Self::Close(answer.to_owned())
    }

    pub(crate) fn announce_close(answer: &str) -> Self {
        Self::Close(answer.replacen("\r\n", "\r\nConnection: close\r\n", 1))
    }

    /// An answer with a length.
    pub(crate) fn text(text: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
    }

    pub(crate) fn sized(number: usize) -> String {
        Self::text(&number.to_string())
    }

    /// An answer in pieces.
    pub(crate) fn chunked(number: usize) -> String {
        let mut answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        for digit in number.to_string().chars() {
            answer.push_str(&format!("1\r\n{digit}\r\n"));
        }
        answer + "0\r\n\r\n"
    }
}

/// Listens until the test ends.
pub(crate) struct Keeping {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    requests: usize,
    closed: usize,
    answers_late: bool,
}

impl Keeping {
    /// Answers request number n, counted from 0, with `reply(n)`.
    pub(crate) fn start(reply: impl Fn(usize) -> Reply + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared, reply) = (stream.expect("a connection"), Arc::clone(&ours), reply.clone());
                shared.change(|counts| counts.connections += 1);
                std::thread::spawn(move || {
                    shared.serve(stream, reply);
                    shared.change(|counts| counts.closed += 1);
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.change(|counts| counts.connections)
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.change(|counts| counts.requests)
    }

    /// Waits until so many connections are closed.
    pub(crate) fn wait_closed(&self, closed: usize) {
        self.shared.wait(|counts| counts.closed >= closed);
    }

    /// Lets late answers go.
    pub(crate) fn answer_late(&self) {
        self.shared.change(|counts| counts.answers_late = true);
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        let changed = change(&mut self.counts.lock().expect("nobody panics here"));
        self.changed.notify_all();
        changed
    }

    fn wait(&self, is_so: impl Fn(&Counts) -> bool) {
        let counts = self.counts.lock().expect("nobody panics here");
        drop(self.changed.wait_while(counts, |counts| !is_so(counts)).expect("nobody panics here"));
    }

    fn serve(&self, mut stream: TcpStream, reply: impl Fn(usize) -> Reply) {
        while read_request(&mut stream) {
            let number = self.change(|counts| {
                counts.requests += 1;
                counts.requests - 1
            });
            let (answer, is_last) = match reply(number) {
                Reply::Keep(answer) => (answer, false),
                Reply::Close(answer) => (answer, true),
                Reply::Lose => return,
                Reply::Late(answer) => {
                    self.wait(|counts| counts.answers_late);
                    (answer, false)
                }
            };
            // A client that waited for it long enough may have gone.
            if stream.write_all(answer.as_bytes()).is_err() || is_last {
                return;
            }
        }
    }
}

/// Reads a request with its body. False: the connection is closed.
fn read_request(stream: &mut TcpStream) -> bool {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("\r\n").find_map(|field| field.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a length")) {
                return true;
            }
        }
        match stream.read(&mut piece) {
            Ok(bytes @ 1..) => request.extend_from_slice(&piece[..bytes]),
            _ => return false,
        }
    }
}

/// Waits until the runtime has seen all that happened to its sockets before: events come in order, and the last one is ours.
pub(crate) async fn see_events() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let mut ours = tokio::net::TcpStream::connect(address).await.expect("it listens");
    listener.accept().expect("a connection").0.write_all(b"x").expect("it is read");
    assert_eq!(ours.read_u8().await.expect("a byte"), b'x');
}

//! Header, write and idle timeouts of a connection, kept as three timestamps instead of a timer per request.
//!
//! Reading, writing and serving leave marks here, and one lazy timer a connection checks them now and then; so what a busy
//! connection pays for its timeouts is a few words of memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The timestamps of one connection, in microseconds since its start, from 1; 0 is never.
#[derive(Debug)]
pub(crate) struct ConnectionActivity {
    began: Instant,
    /// When the head of a request began.
    head: AtomicU64,
    /// Since when there is no request.
    idle: AtomicU64,
    /// Since when the client reads nothing of what is written.
    blocked: AtomicU64,
    /// Requests and streams that are being served.
    serving: AtomicU32,
}

/// How long a connection may do nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionTimeouts {
    /// From the first byte of a request's head to its last.
    pub(crate) header: Duration,
    /// While the client reads nothing of its answer.
    pub(crate) write: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
}

impl ConnectionTimeouts {
    /// How long a connection need not be checked.
    pub(crate) fn shortest(&self) -> Duration {
        self.header.min(self.write).min(self.idle)
    }
}

/// A request or a stream that is being served: until it is dropped, the connection is not idle.
pub(crate) struct ActiveRequest(Arc<ConnectionActivity>);

/// The result of checking a connection's timeouts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IdleVerdict {
    /// No timeout before this time: check again then.
    KeepUntil(Instant),
    /// A timeout has passed.
    Close,
}

impl ConnectionActivity {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            head: AtomicU64::new(0),
            idle: AtomicU64::new(1),
            blocked: AtomicU64::new(0),
            serving: AtomicU32::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// A request has come, or a stream begun.
    pub(crate) fn serve(self: &Arc<Self>) -> ActiveRequest {
        self.serving.fetch_add(1, Ordering::Relaxed);
        self.head.store(0, Ordering::Relaxed);
        ActiveRequest(Arc::clone(self))
    }

    /// A connection's handshake is over: what was read for it was no head of a request.
    pub(crate) fn has_begun(&self) {
        self.head.store(0, Ordering::Relaxed);
        self.idle.store(self.now(), Ordering::Relaxed);
    }

    fn has_read(&self) {
        if self.serving.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == 0 {
            self.head.store(self.now(), Ordering::Relaxed);
        }
    }

    fn has_written(&self) {
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    fn is_blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Which timeout is next, or has passed.
    pub(crate) fn check(&self, timeouts: &ConnectionTimeouts) -> IdleVerdict {
        let until = |since: u64, patience: Duration| self.began + Duration::from_micros(since) + patience;
        let blocked = self.blocked.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed);
        let due = if blocked != 0 {
            until(blocked, timeouts.write)
        } else if self.serving.load(Ordering::Relaxed) > 0 {
            until(self.now(), timeouts.write)
        } else if head != 0 {
            until(head, timeouts.header)
        } else {
            until(self.idle.load(Ordering::Relaxed), timeouts.idle)
        };
        if due <= Instant::now() {
            return IdleVerdict::Close;
        }
        // What is fine now may be in the middle of a head, or blocked, a moment later.
        IdleVerdict::KeepUntil(due.min(Instant::now() + timeouts.shortest()))
    }

    /// Whether nothing is being served, and nothing waits to be written: perhaps the head of a request has begun.
    pub(crate) fn is_resting(&self) -> bool {
        self.serving.load(Ordering::Relaxed) == 0 && self.blocked.load(Ordering::Relaxed) == 0
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.idle.store(self.0.now(), Ordering::Relaxed);
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that records its reads and writes: with TLS those of encrypted bytes, for only they tell what the client does.
pub(crate) struct Watched {
    stream: TcpStream,
    activity: Arc<ConnectionActivity>,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, activity: Arc<ConnectionActivity>) -> Self {
        Self { stream, activity }
    }

    fn mark(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(_) => self.activity.has_written(),
            Poll::Pending => self.activity.is_blocked(),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.activity.has_read();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.mark(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.mark(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const HOURS: ConnectionTimeouts = ConnectionTimeouts { header: HOUR, write: HOUR, idle: HOUR };

    #[test]
    fn each_kind_of_doing_nothing_has_its_own_patience() {
        let none = Duration::ZERO;
        let activity = Arc::new(ConnectionActivity::new());
        assert!(matches!(activity.check(&HOURS), IdleVerdict::KeepUntil(_)));
        std::thread::sleep(Duration::from_micros(10));
        assert_eq!(activity.check(&ConnectionTimeouts { idle: none, ..HOURS }), IdleVerdict::Close);
        activity.has_read();
        assert_eq!(activity.check(&ConnectionTimeouts { header: none, ..HOURS }), IdleVerdict::Close);
        assert!(matches!(activity.check(&ConnectionTimeouts { idle: none, ..HOURS }), IdleVerdict::KeepUntil(_)));
        let active = activity.serve();
        let impatient = ConnectionTimeouts { header: none, idle: none, ..HOURS };
        assert!(matches!(activity.check(&impatient), IdleVerdict::KeepUntil(_)), "an entity may take its time");
        activity.is_blocked();
        assert_eq!(activity.check(&ConnectionTimeouts { write: none, ..HOURS }), IdleVerdict::Close);
        activity.has_written();
        drop(active);
        assert!(matches!(activity.check(&HOURS), IdleVerdict::KeepUntil(_)));
    }
}

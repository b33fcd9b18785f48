//! Signals: to stop, by an operator's ctrl-c or by a service manager, and to read secrets again.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};

/// Is told when the process shall stop. From its making on the signals do not end the process by themselves any more.
#[derive(Debug)]
pub struct StopSignal {
    runtime: Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl StopSignal {
    /// Listens for SIGTERM, SIGINT (ctrl-c) and SIGHUP.
    ///
    /// # Errors
    ///
    /// When the system does not let us listen.
    pub fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let inside = runtime.enter();
            let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            let hangup = signal(SignalKind::hangup())?;
            drop(inside);
            Ok(Self { runtime, terminate, interrupt, hangup })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    /// Blocks until a signal to stop comes, and says which. SIGHUP changes nothing meanwhile.
    pub fn wait(&mut self) -> &'static str {
        self.wait_reloading(|| {})
    }

    /// The same, and calls `reload` at each SIGHUP.
    pub fn wait_reloading(&mut self, mut reload: impl FnMut()) -> &'static str {
        loop {
            match self.next() {
                Some(signal) => return signal,
                None => reload(),
            }
        }
    }

    /// The next signal to stop; none for SIGHUP.
    fn next(&mut self) -> Option<&'static str> {
        #[cfg(unix)]
        {
            let Self { runtime, terminate, interrupt, hangup } = self;
            runtime.block_on(async {
                let (mut terminate, mut interrupt) = (pin!(terminate.recv()), pin!(interrupt.recv()));
                let mut hangup = pin!(hangup.recv());
                poll_fn(|context| {
                    if terminate.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Some("SIGTERM"));
                    }
                    if interrupt.as_mut().poll(context).is_ready() {
                        return Poll::Ready(Some("ctrl-c"));
                    }
                    hangup.as_mut().poll(context).map(|_| None)
                })
                .await
            })
        }
        #[cfg(not(unix))]
        {
            // Without a way to be told, nobody ever tells us.
            let _ = self.runtime.block_on(tokio::signal::ctrl_c());
            Some("ctrl-c")
        }
    }
}

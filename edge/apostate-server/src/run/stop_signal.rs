//! Waiting to be told to stop: by an operator's ctrl-c, or by whoever runs the process.

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
}

impl StopSignal {
    /// Listens for SIGTERM and SIGINT (ctrl-c).
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
            drop(inside);
            Ok(Self { runtime, terminate, interrupt })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    /// Blocks until one comes, and says which.
    pub fn wait(&mut self) -> &'static str {
        #[cfg(unix)]
        {
            let Self { runtime, terminate, interrupt } = self;
            runtime.block_on(async {
                let (mut terminate, mut interrupt) = (pin!(terminate.recv()), pin!(interrupt.recv()));
                poll_fn(|context| {
                    if terminate.as_mut().poll(context).is_ready() {
                        return Poll::Ready("SIGTERM");
                    }
                    interrupt.as_mut().poll(context).map(|_| "ctrl-c")
                })
                .await
            })
        }
        #[cfg(not(unix))]
        {
            // Without a way to be told, nobody ever tells us.
            let _ = self.runtime.block_on(tokio::signal::ctrl_c());
            "ctrl-c"
        }
    }
}

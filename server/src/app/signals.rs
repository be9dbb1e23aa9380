//! The signals that tell this process to stop.
//!
//! They are listened to from before the first port is bound: a signal must not find the operating system's default, which
//! is to end the process without a word. The same holds for SIGHUP, which is not for stopping: it says that files were exchanged
//! (see `reload`), the audit file among them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// A signal to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StopSignal {
    /// SIGINT, as of Ctrl-C.
    Interrupt,
    /// SIGTERM, as of a service manager.
    Terminate,
}

impl StopSignal {
    /// POSIX's number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// Signals from now on.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl StopSignals {
    /// # Errors
    /// If the operating system does not let us listen.
    pub(super) fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|error| Error::internal(format!("signals: {error}")));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one, and calls `on_hangup` for each SIGHUP until then.
    pub(super) async fn next(&mut self, on_hangup: impl Fn()) -> StopSignal {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return StopSignal::Interrupt,
                _ = self.terminate.recv() => return StopSignal::Terminate,
                Some(()) = self.hangup.recv() => on_hangup(),
            }
        }
    }
}

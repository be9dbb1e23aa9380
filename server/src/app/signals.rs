//! The signals that tell this process to stop.
//!
//! They are listened to from before the first port is bound: a signal must not find the operating system's default, which
//! is to end the process without a word. The same holds for SIGHUP, which is not for stopping (see `reload`).

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
    _hangup: Signal,
}

impl StopSignals {
    /// # Errors
    /// If the operating system does not let us listen.
    pub(super) fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|error| Error::internal(format!("signals: {error}")));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            _hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

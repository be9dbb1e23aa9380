//! An AWS account on loopback: STS, IAM, Glue, Lake Formation and S3 on one HTTP endpoint, on their real wire
//! protocols, so that real SDKs work against it and prove signing, retries, parsing and expiry on the way.
//!
//! What it promises: every call is signed and every session token checked; roles are assumed only as their trust
//! policies allow; Lake Formation hides what is not granted and vends keys that open one table's prefix; the answers
//! and errors are those measured on real accounts. What it does not: it never evaluates a row filter, and nothing
//! outlives the process. It depends on no code of the server: an emulator that shared the policy code of the engine
//! under test would prove nothing.
//!
//! The two access keys of the account are public constants. That is why it listens on loopback only, unless forced.

mod faults;
mod glue;
mod http;
mod iam;
pub mod lake;
mod lakeformation;
mod protocol;
mod s3;
mod sigv4;
mod state;
mod sts;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use crate::faults::{Fault, FaultKind, FaultService, SetFault};
pub use crate::state::{ClockOffsets, S3Request};

use crate::http::{Front, serve};
use crate::state::State;

/// Access key of the administrator, who may do everything and is data lake administrator by default.
pub const ADMIN_ACCESS_KEY: &str = "AKIASANDBOXADMIN0000";
/// Secret of the administrator's key.
pub const ADMIN_SECRET_KEY: &str = "sandbox-admin-secret";
/// Access key of the query server, which may assume roles and nothing else.
pub const SERVER_ACCESS_KEY: &str = "AKIASANDBOXSERVER000";
/// Secret of the query server's key.
pub const SERVER_SECRET_KEY: &str = "sandbox-server-secret";

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// The folder under which the bytes of S3 objects are kept, in a folder of their own that is removed at the end.
    /// `None` is the system's folder for temporary files.
    pub data_dir: Option<PathBuf>,
    /// Permits an address that other machines can reach. The keys of the account are public: do not.
    pub allow_non_loopback: bool,
}

/// A running sandbox. Dropping it ends the server and removes the stored objects.
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
    _objects: TempDir,
}

/// Why a sandbox did not start.
#[derive(Debug)]
pub enum SandboxError {
    /// The address can be reached from other machines, and that was not permitted.
    NotLoopback(SocketAddr),
    /// The address could not be bound.
    Bind(SocketAddr, io::Error),
    /// The folder for the objects could not be made.
    DataDir(io::Error),
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => {
                write!(
                    f,
                    "{address} is not a loopback address; the sandbox has well-known keys and stays on loopback"
                )
            }
            Self::Bind(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::DataDir(error) => write!(f, "cannot make a folder for the objects: {error}"),
        }
    }
}

impl std::error::Error for SandboxError {}

impl Default for SandboxOptions {
    /// A free loopback port and a temporary folder: what a test wants.
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), data_dir: None, allow_non_loopback: false }
    }
}

impl Sandbox {
    /// Starts a sandbox with an empty account on the current Tokio runtime.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        if !options.address.ip().is_loopback() && !options.allow_non_loopback {
            return Err(SandboxError::NotLoopback(options.address));
        }
        let objects = objects_folder(options.data_dir).map_err(SandboxError::DataDir)?;
        let listener = TcpListener::bind(options.address)
            .await
            .map_err(|error| SandboxError::Bind(options.address, error))?;
        let address = listener.local_addr().map_err(|error| SandboxError::Bind(options.address, error))?;
        let state = Arc::new(State::default());
        let front = Front::new(Arc::clone(&state), s3::service(&state, objects.path()));
        let (stop, stopped) = watch::channel(false);
        let server = Some(tokio::spawn(serve(listener, Arc::new(front), stopped)));
        Ok(Self { address, state, stop, server, _objects: objects })
    }

    /// The endpoint of all services, such as `http://127.0.0.1:4577`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often each operation was called since the start, refused calls included: `sts:AssumeRole` → n.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.state.counters()
    }

    /// Begins to keep S3 requests, for [`Self::recorded_s3`]. What was kept until now is forgotten.
    pub fn record_s3(&self) {
        self.state.record_s3();
    }

    /// The S3 requests since [`Self::record_s3`], in their order; ends the recording.
    #[must_use]
    pub fn recorded_s3(&self) -> Vec<S3Request> {
        self.state.recorded_s3()
    }

    /// Breaks what the fault names, and gives the fault's number.
    ///
    /// # Errors
    /// What is wrong with the fault.
    pub fn set_fault(&self, fault: Fault) -> Result<u64, &'static str> {
        self.state.faults.set(fault)
    }

    /// The faults that were set, with what they have done.
    #[must_use]
    pub fn faults(&self) -> Vec<SetFault> {
        self.state.faults.list()
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear(None);
    }

    /// Moves the account's clock against the machine's.
    ///
    /// # Errors
    /// The clock cannot be moved that far.
    pub fn set_clock(&self, offsets: ClockOffsets) -> Result<(), &'static str> {
        self.state.clock.set(offsets)
    }

    /// Ends every session and vended key now; gives how many there were.
    pub fn expire_sessions(&self) -> usize {
        let now = self.state.clock.now();
        self.state.write().keys.expire_sessions(now)
    }

    /// Ends the server; requests that are under way may finish for a moment.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            let _ = server.await;
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

fn objects_folder(data_dir: Option<PathBuf>) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("lakegate-sandbox-");
    match data_dir {
        None => builder.tempdir(),
        Some(folder) => {
            std::fs::create_dir_all(&folder)?;
            builder.tempdir_in(folder)
        }
    }
}

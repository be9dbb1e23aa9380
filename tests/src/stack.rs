//! A sandbox with the sample lake and a server in front of it, on free loopback ports, for as long as the value lives.
//!
//! The sandbox runs in this process, so that tests can read its counters; the server runs as a process of its own, so that
//! its log is a file which can be searched for what must not be in it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lakegate_client::{ConnectOptions, Connection, Credentials};
use lakegate_sandbox::lake::{SeedOptions, seed};
use lakegate_sandbox::{SERVER_ACCESS_KEY, SERVER_SECRET_KEY, Sandbox, SandboxOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// TPC-H scale factor of the sample lake in tests.
pub const SCALE_FACTOR: f64 = 0.01;

/// How long a process may take to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a process may take to end; far more than its drain in any test.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Why a stack could not be started; a test stops at it.
pub type StackError = Box<dyn std::error::Error + Send + Sync>;

/// A sandbox that holds the sample lake.
///
/// # Errors
/// If it cannot be started or filled.
pub async fn sandbox(scale_factor: f64) -> Result<Sandbox, StackError> {
    let sandbox = Sandbox::start(SandboxOptions {
        address: ([127, 0, 0, 1], 0).into(),
        data_dir: None,
        allow_non_loopback: false,
    })
    .await?;
    let options = SeedOptions { endpoint: sandbox.endpoint(), scale_factor };
    seed(options).await?;
    Ok(sandbox)
}

/// A server process. Dropping it ends it.
pub struct Server {
    process: Child,
    url: String,
    admin_url: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts `program` with the demo's configuration in front of `aws`.
    ///
    /// # Arguments
    /// * `aws` - endpoint of the sandbox.
    /// * `overrides` - further environment variables, which win over the demo's configuration.
    ///
    /// # Errors
    /// If it does not begin to serve.
    pub async fn start(program: &Path, aws: &str, overrides: &[(&str, &str)]) -> Result<Self, StackError> {
        Self::start_with_log(program, aws, overrides, None).await
    }

    /// As [`start`](Self::start), with a log that goes elsewhere.
    ///
    /// # Arguments
    /// * `log` - standard error of the process.
    ///
    /// # Errors
    /// If it does not begin to serve.
    pub async fn start_with_log(
        program: &Path,
        aws: &str,
        overrides: &[(&str, &str)],
        log: Option<Stdio>,
    ) -> Result<Self, StackError> {
        let folder = tempfile::tempdir()?;
        let log = log.map_or_else(|| File::create(folder.path().join("stderr.log")).map(Stdio::from), Ok)?;
        let (address, admin) = (free_address()?, free_address()?);
        let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sandbox/lakegate.toml");
        let process = Command::new(program)
            .arg("--config")
            .arg(configuration)
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .env("AWS_ACCESS_KEY_ID", SERVER_ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SERVER_SECRET_KEY)
            .env("LAKEGATE__AWS__ENDPOINT_URL", aws)
            .env("LAKEGATE__SERVER__ADDRESS", &address)
            .env("LAKEGATE__ADMIN__ADDRESS", &admin)
            .env("LAKEGATE__AUDIT__PATH", folder.path().join("audit.jsonl"))
            .env("LAKEGATE__LOG__LEVEL", "debug")
            .envs(overrides.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout.log"))?)
            .stderr(log)
            .spawn()?;
        let mut server =
            Self { process, url: format!("grpc://{address}"), admin_url: format!("http://{admin}"), folder };
        server.wait_until_it_serves(&address).await?;
        Ok(server)
    }

    async fn wait_until_it_serves(&mut self, address: &str) -> Result<(), StackError> {
        let began = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if self.process.try_wait()?.is_some() || began.elapsed() > START_LIMIT {
                return Err(format!("the server did not start:\n{}", self.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Flight SQL address as `grpc://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Health and metrics as `http://host:port`.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Everything that the process has written to its log so far.
    pub fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        read("stdout.log") + &read("stderr.log")
    }

    /// The audit trail so far, a JSON object a line.
    pub fn audit(&self) -> String {
        std::fs::read_to_string(self.audit_path()).unwrap_or_default()
    }

    /// Where the audit trail is, unless a test has it elsewhere.
    pub fn audit_path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// Asks the process to end, as a service manager does, and waits for it.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn terminate(mut self) -> Result<std::process::ExitStatus, StackError> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        Ok(self.process.wait()?)
    }

    /// Sends the process a signal.
    ///
    /// # Arguments
    /// * `signal` - its name without `SIG`.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub fn signal(&self, signal: &str) -> Result<(), StackError> {
        let sent = Command::new("kill").args(["-s", signal, &self.process_id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(format!("SIG{signal} was not sent").into()) }
    }

    /// Waits until the process ends by itself.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ended(&mut self) -> Result<std::process::ExitStatus, StackError> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() > END_LIMIT {
                return Err(format!("the server did not end:\n{}", self.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The process's number.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Asks the admin endpoint. Gives the whole answer, head and body.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn admin(&self, path: &str) -> Result<String, StackError> {
        let address = self.admin_url.trim_start_matches("http://");
        let mut connection = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// One number of the metrics.
    ///
    /// # Arguments
    /// * `name` - with labels, as it stands in the metrics.
    ///
    /// # Errors
    /// If there is no such number.
    pub async fn metric(&self, name: &str) -> Result<u64, StackError> {
        let page = self.admin("/metrics").await?;
        let mut samples = page.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = samples.find(|(found, _)| *found == name).ok_or_else(|| format!("no {name}"))?;
        Ok(value.trim().parse()?)
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Logs a user in.
    ///
    /// # Errors
    /// The client's.
    pub async fn connect(&self, user: &str, password: &str) -> Result<Connection, StackError> {
        Ok(Connection::connect(&self.options(&self.url, user, password)?).await?)
    }

    /// Logs a user in whose queries end after some time.
    ///
    /// # Errors
    /// The client's.
    pub async fn connect_with_limit(&self, user: &str, limit: Duration) -> Result<Connection, StackError> {
        let options = self.options(&self.url, user, user)?.with_query_timeout(limit);
        Ok(Connection::connect(&options).await?)
    }

    /// Logs a user in over TLS.
    ///
    /// # Arguments
    /// * `certificate` - the only one that is trusted, as PEM.
    ///
    /// # Errors
    /// The client's.
    pub async fn connect_with_tls(&self, user: &str, certificate: &str) -> Result<Connection, StackError> {
        let url = self.url.replace("grpc://127.0.0.1", "grpc+tls://localhost");
        let options = self.options(&url, user, user)?.with_ca_certificates(certificate.as_bytes().to_vec());
        Ok(Connection::connect(&options).await?)
    }

    fn options(&self, url: &str, user: &str, password: &str) -> Result<ConnectOptions, StackError> {
        Ok(ConnectOptions::new(url.parse()?, Credentials::password(user, password)?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<String, StackError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

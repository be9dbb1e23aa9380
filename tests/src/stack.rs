//! A sandbox with the sample lake and a server in front of it, on free loopback ports, for as long as the value lives.
//!
//! The sandbox runs in this process, so that tests can read its counters; the server runs as a process of its own, so that
//! its log is a file which can be searched for what must not be in it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lakegate_client::{ConnectOptions, Connection, Credentials};
use lakegate_sandbox::lake::{SeedOptions, seed};
use lakegate_sandbox::{SERVER_ACCESS_KEY, SERVER_SECRET_KEY, Sandbox, SandboxOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// TPC-H scale factor of the sample lake in tests.
pub const SCALE_FACTOR: f64 = 0.01;

/// A port that the system chooses.
const ANY_PORT: &str = "127.0.0.1:0";

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
    watchman: Option<Child>,
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
        let mut server = Self::spawn(program, aws, overrides, None)?;
        server.wait_until_it_serves().await?;
        Ok(server)
    }

    /// As [`start`](Self::start), with a log that nobody reads after the server has said where it is. Gives the pipe's other
    /// end, too.
    ///
    /// # Errors
    /// If it does not begin to serve.
    pub fn start_with_unread_log(program: &Path, aws: &str) -> Result<(Self, PipeReader), StackError> {
        let (reader, writer) = std::io::pipe()?;
        let mut server = Self::spawn(program, aws, &[], Some(Stdio::from(writer)))?;
        let mut line = String::new();
        let mut log = BufReader::new(&reader);
        while !line.contains("flight_address") {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                return Err("the server did not start".into());
            }
        }
        server.serves_where(&line)?;
        Ok((server, reader))
    }

    /// # Arguments
    /// * `log` - standard error of the process; absent: the file that [`log`](Self::log) reads.
    fn spawn(
        program: &Path,
        aws: &str,
        overrides: &[(&str, &str)],
        log: Option<Stdio>,
    ) -> Result<Self, StackError> {
        let folder = tempfile::tempdir()?;
        let log = log.map_or_else(|| File::create(folder.path().join("stderr.log")).map(Stdio::from), Ok)?;
        let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sandbox/lakegate.toml");
        let process = Command::new(program)
            .arg("--config")
            .arg(configuration)
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .env("AWS_ACCESS_KEY_ID", SERVER_ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SERVER_SECRET_KEY)
            .env("LAKEGATE__AWS__ENDPOINT_URL", aws)
            .env("LAKEGATE__SERVER__ADDRESS", ANY_PORT)
            .env("LAKEGATE__ADMIN__ADDRESS", ANY_PORT)
            .env("LAKEGATE__AUDIT__PATH", folder.path().join("audit.jsonl"))
            .env("LAKEGATE__LOG__LEVEL", "debug")
            .env("NO_COLOR", "1")
            .envs(overrides.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout.log"))?)
            .stderr(log)
            .spawn()?;
        Ok(Self { process, url: String::new(), admin_url: String::new(), folder, watchman: None })
    }

    /// Reads from the log which ports the system gave: one that was found free before could be taken by another process.
    async fn wait_until_it_serves(&mut self) -> Result<(), StackError> {
        let began = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains("flight_address")) {
                return self.serves_where(line);
            }
            if self.process.try_wait()?.is_some() || began.elapsed() > START_LIMIT {
                return Err(format!("the server did not start:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn serves_where(&mut self, line: &str) -> Result<(), StackError> {
        let address = address_in(line, "flight_address").ok_or("the server does not say where it is")?;
        self.url = format!("grpc://{address}");
        let admin = address_in(line, "admin_address");
        self.admin_url = admin.map(|address| format!("http://{address}")).unwrap_or_default();
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

    /// Makes the process end with this one, however this one ends: for a server that is never dropped.
    ///
    /// # Errors
    /// If the process that sees to it cannot be started.
    pub fn end_with_this_process(&mut self) -> Result<(), StackError> {
        // Its input is a pipe that the system closes when this process ends.
        let script = r#"cat; kill -KILL "$1"; rm -r "$2""#;
        let folder = self.folder.path();
        let mut watchman = Command::new("sh");
        watchman.args(["-c", script, "sh", &self.process_id().to_string()]).arg(folder);
        self.watchman = Some(watchman.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?);
        Ok(())
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

/// The address that stands behind a name in a line of the log, whatever its format.
fn address_in(line: &str, name: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once(name)?;
    let is_address = |character: char| character.is_ascii_hexdigit() || ".:[]".contains(character);
    let begins = |character: char| character.is_ascii_digit() || character == '[';
    let value = after.split([' ', ',']).next()?;
    let address = &value[value.find(begins)?..];
    let end = address.find(|character| !is_address(character)).unwrap_or(address.len());
    address[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_lines_of_both_formats() {
        let text =
            "INFO lakegate_server::app: serving flight_address=127.0.0.1:41 admin_address=Some([::1]:42)";
        let json = r#"{"fields":{"message":"serving","flight_address":"127.0.0.1:41","admin_address":"Some([::1]:42)"}}"#;
        for line in [text, json] {
            assert_eq!(address_in(line, "flight_address"), "127.0.0.1:41".parse().ok(), "{line}");
            assert_eq!(address_in(line, "admin_address"), "[::1]:42".parse().ok(), "{line}");
        }
        assert_eq!(address_in("flight_address=127.0.0.1:41 admin_address=None", "admin_address"), None);
    }
}

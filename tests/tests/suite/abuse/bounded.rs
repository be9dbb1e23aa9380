//! A server that may have so much address space and no more.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use lakegate_tests::stack::Server;

/// Address space of the server in bytes: what a debug build needs for its code, its threads' stacks and its memory limit, and
/// little more. What it allocates beyond ends the process, as it would on a machine that is full.
pub(super) const ADDRESS_SPACE: u64 = 3 * 1024 * 1024 * 1024;

/// Limits in which an ordinary statement has room, and a hostile one soon meets one.
const SETTINGS: [(&str, &str); 6] = [
    ("LAKEGATE__ENGINE__THREADS", "2"),
    ("LAKEGATE__ENGINE__MEMORY_LIMIT", "256MiB"),
    ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "96MiB"),
    ("LAKEGATE__ENGINE__SPILL_LIMIT", "64MiB"),
    ("LAKEGATE__ENGINE__STATEMENT_TIMEOUT", "20s"),
    ("LAKEGATE__LOG__LEVEL", "info"),
];

/// Bytes that may be resident when a case is over: the memory limit, and what a server has by itself.
pub(super) const MOST_RESIDENT: u64 = 1024 * 1024 * 1024;

/// See the file's head. It ends when the value is dropped.
pub(super) struct Bounded {
    server: Server,
}

impl Bounded {
    /// Starts one in front of a sandbox.
    pub(super) async fn start(aws: &str) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/abuse/bounded-server.sh");
        let address_space = (ADDRESS_SPACE / 1024).to_string();
        let mut settings = SETTINGS.to_vec();
        settings.push(("BOUNDED_PROGRAM", env!("CARGO_BIN_EXE_lakegate-test-server")));
        settings.push(("BOUNDED_KIB", &address_space));
        Self { server: Server::start(&program, aws, &settings).await.unwrap() }
    }

    /// Bytes of the process that are resident; 0 if it has ended.
    pub(super) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.process_id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }
}

impl Deref for Bounded {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Bounded {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

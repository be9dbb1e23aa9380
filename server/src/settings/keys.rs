//! Every setting: its key, type, default, allowed range and meaning. The only place where one is added.
//!
//! Form: `key: Type = default, within low..=high;`, the range where a bound matters. The comment above a key is
//! its text in the configuration reference, so it speaks to operators and names the unit or the special value.
//! Defaults are safe ones: loopback only, small lifetimes, the whole machine's cores but not its whole memory.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::networks::Networks;
use super::problem::Problem;
use super::section::{Entry, Given, Section, debug_section, range_in_words, read, read_within, settings};
use super::table_set::TableSet;
use super::users::UserSettings;
use super::value::{ByteSize, CellMasking, InvalidText, LogFormat, LogLevel, SettingValue};
use crate::ids::Secret;

settings! {
    /// The Flight SQL endpoint.
    section server: ServerSettings {
        /// Address and port of the Flight SQL endpoint.
        address: SocketAddr = loopback(32010);
        /// PEM file with the server's certificate chain. Set together with `tls_key`. The files of TLS are read again when
        /// they change.
        tls_certificate: Option<PathBuf> = None;
        /// PEM file with the certificate's private key.
        tls_key: Option<PathBuf> = None;
        /// PEM file with the authorities of clients. Set: whoever connects needs a certificate of one of them, and logs in
        /// all the same: the certificate's name is not a user.
        tls_client_ca: Option<PathBuf> = None;
        /// Allows an address other than loopback without TLS. Passwords and data then travel in clear text:
        /// only behind a proxy that terminates TLS on the same host or pod.
        allow_plaintext: bool = false;
        /// Longest SQL text of one statement.
        max_sql_bytes: ByteSize = ByteSize::mib(1), within ByteSize::kib(1)..=ByteSize::mib(16);
        /// Largest message that is accepted from a client.
        max_message_bytes: ByteSize = ByteSize::mib(16), within ByteSize::kib(64)..=ByteSize::gib(1);
        /// Connections at once, those before their login included; more are closed at once.
        max_connections: usize = 4096, within 1..=1_000_000;
        /// How long a connection may be open before its client has logged in or made a call with a valid token. Health checks
        /// are none: whoever asks for the health alone is closed as well.
        login_timeout: Duration = seconds(60), within seconds(1)..=hours(1);
        /// Connections at once of one address (of IPv6: of one /64) whose clients have not logged in yet; more are closed at
        /// once. Many clients may share an address.
        max_pending_connections_per_address: usize = 1024, within 1..=1_000_000;
        /// Load balancers and proxies, as addresses or blocks (`10.0.0.0/8`), through which clients come: what comes from there is
        /// told apart by user name alone, and not limited per address.
        proxies: Networks = Networks::default();
        /// How long a client may take to send a call to its end, such as the rows of a bind.
        upload_timeout: Duration = seconds(60), within seconds(1)..=hours(1);
        /// Calls of one user that have begun and were not sent to their end; more wait for their turn. Calls of one message and
        /// calls that stream are counted apart.
        max_uploads_per_user: usize = 64, within 1..=10_000;
        /// Time between HTTP/2 keep-alive pings. A client that leaves one unanswered for 20 s is gone.
        keepalive: Duration = seconds(30), within seconds(1)..=hours(1);
        /// How long a client may take nothing of a result before its query is ended.
        stall_timeout: Duration = minutes(10), within seconds(1)..=hours(24);
        /// Time after a stop signal in which the server says that it is not ready and still takes calls, so that load
        /// balancers notice first.
        drain_delay: Duration = seconds(0), within seconds(0)..=minutes(10);
        /// How long running queries may go on after that.
        drain_timeout: Duration = seconds(30), within seconds(0)..=hours(24);
        /// Lifetime of the ticket that GetFlightInfo hands out.
        ticket_ttl: Duration = minutes(10), within seconds(1)..=hours(24);
        /// Lifetime of a prepared statement's handle.
        prepared_ttl: Duration = hours(12), within seconds(1)..=hours(168);
    }

    /// Health and metrics over plain HTTP, for the operator's network only.
    section admin: AdminSettings {
        /// Whether the admin endpoint is served.
        enabled: bool = true;
        /// Address and port of the admin endpoint.
        address: SocketAddr = loopback(32011);
    }

    /// Logins and what proves them afterwards. Who may log in is in `[users.<name>]`.
    section identity: IdentitySettings {
        /// Lifetime of the bearer token that a login answers with.
        token_ttl: Duration = hours(12), within seconds(1)..=hours(168);
        /// Keys that seal tokens, tickets and handles: 32 random bytes in Base64 each. The first one seals, all of
        /// them open. Empty: a random key, so that sessions end with this process and only one server can run.
        sealing_keys: Vec<Secret> = Vec::new();
        /// File with such keys in place of `sealing_keys`, one per line. It is read again when it changes.
        sealing_keys_file: Option<PathBuf> = None;
        /// External id that the users' roles demand in their trust policy. Treat it as a secret.
        external_id: Option<Secret> = None;
    }

    /// How AWS is called.
    section aws: AwsSettings {
        /// Region of the Glue Data Catalog and of Lake Formation. `AWS_REGION` is used if this is not set.
        region: String = "us-east-1".to_owned();
        /// Endpoint of all AWS services instead of the region's own. `AWS_ENDPOINT_URL` is used if this is not set.
        endpoint_url: Option<Url> = None;
        /// Endpoint of S3 alone; overrides `endpoint_url`.
        s3_endpoint_url: Option<Url> = None;
        /// Value of the session tag `LakeFormationAuthorizedCaller`, `lakegate` unless set. Who knows it and may assume
        /// a user's role reads unfiltered data: treat it as a secret and choose your own.
        caller_tag: Secret = Secret::new("lakegate".to_owned());
        /// Lifetime of an assumed role's session. AWS allows 1h at most where the server itself runs as a role.
        session_duration: Duration = hours(1), within minutes(15)..=hours(12);
        /// Time to connect to AWS.
        connect_timeout: Duration = seconds(3), within milliseconds(100)..=minutes(5);
        /// Time for one AWS call, all its attempts together.
        call_timeout: Duration = seconds(15), within milliseconds(100)..=minutes(5);
        /// Attempts per AWS call, the first one included.
        max_attempts: u32 = 3, within 1..=10;
        /// Calls for tables' policies and for lists of names that one user may cause in a second, for 20 of which unused calls
        /// are saved. Who has none left waits, and is refused where that would take longer than 5 s. 0 is no limit.
        calls_per_second_per_user: u32 = 50, within 0..=100_000;
    }

    /// What Lake Formation said, and for how long it is believed.
    section access: AccessSettings {
        /// How long a decision is used again: the longest time that a revoked right still works, also for statements that run,
        /// which ask again each time it has passed. 0 asks for every statement; those that run ask every second.
        policy_ttl: Duration = seconds(30), within seconds(0)..=hours(1);
        /// How long a running statement goes on after `policy_ttl` has passed while AWS cannot be asked.
        policy_grace: Duration = minutes(1), within seconds(1)..=hours(1);
        /// How long it is remembered that a table was not found or not granted: the longest time until a new right works for a
        /// user who has just been refused. It is no longer than `policy_ttl`. 0 asks every time.
        refusal_ttl: Duration = seconds(5), within seconds(0)..=hours(1);
        /// Decisions kept, one per user and table.
        policy_cache_entries: u64 = 10_000, within 1..=10_000_000;
        /// How long lists of databases and tables are used again. 0 asks every time.
        catalog_ttl: Duration = seconds(30), within seconds(0)..=hours(1);
        /// Serves Delta tables for which Spark left only a placeholder (`col array<string>`) as schema in Glue, to users
        /// with a grant on the whole table. Column grants and row filters cannot be checked against a placeholder.
        allow_placeholder_schema: bool = false;
        /// Tables on which nothing of a user's query works below the row filter: `database.table`, or `*` for all. Without it,
        /// comparisons of a column with constants also leave out files and row groups of a table with hidden rows, so that
        /// the time of a query may depend on bounds of hidden values.
        strict_tables: TableSet = TableSet::default();
        /// Opens earlier versions of a table also to users from whom rows or columns of it are hidden. Their permissions of
        /// today are then applied to the rows of that time: whoever may see France sees everyone who was in France. How
        /// many commits there were can then be told, those of hidden rows included.
        time_travel_for_restricted: bool = false;
        /// What happens to a table of which a user has several data cells filters that show different columns in different
        /// rows. AWS does not say whether the row or the cell is hidden. `refuse`: the table is refused. `null`: a row is shown
        /// if any of the filters shows it, and a cell of it is NULL unless a filter that shows it has the cell's column.
        cell_masking: CellMasking = CellMasking::Refuse;
        /// Users who may run EXPLAIN ANALYZE and EXPLAIN VERBOSE also on tables of which something is hidden from them. Both
        /// tell how the server reads a table, and with that of rows and columns that are hidden.
        explain_analyze_users: Vec<String> = Vec::new();
    }

    /// How Delta tables are read.
    section table: TableSettings {
        /// How old the known version of a table may be before its log is looked at again.
        snapshot_max_age: Duration = seconds(1), within seconds(0)..=hours(1);
        /// Memory for Delta logs already read.
        snapshot_cache_bytes: ByteSize = ByteSize::mib(256), within ByteSize::mib(1)..=ByteSize::gib(256);
        /// Memory for data blocks already read. 0 keeps none in memory.
        block_cache_bytes: ByteSize = ByteSize::mib(512), within ByteSize::bytes(0)..=ByteSize::gib(1024);
        /// Folder for data blocks for which memory has no room; they are there again after a restart. It holds tenants' data
        /// as it is on S3 and must be open to the server's user alone. Not set: no blocks are kept on disk.
        block_cache_directory: Option<PathBuf> = None;
        /// Disk space for data blocks.
        block_cache_disk_bytes: ByteSize = ByteSize::gib(10), within ByteSize::gib(1)..=ByteSize::gib(65_536);
        /// Memory for deletion vectors already read.
        deletion_vector_cache_bytes: ByteSize = ByteSize::mib(64), within ByteSize::mib(1)..=ByteSize::gib(64);
        /// Memory for Parquet footers already read.
        footer_cache_bytes: ByteSize = ByteSize::mib(64), within ByteSize::mib(1)..=ByteSize::gib(256);
        /// Memory for Delta logs and deletion vectors that are being read or in use, kept ones included. What finds no room is
        /// refused.
        memory_limit: ByteSize = ByteSize::gib(1), within ByteSize::mib(64)..=ByteSize::gib(1024);
        /// What happens to text that is not UTF-8, in files that do not say that it is text. `refuse`: the statement ends with
        /// an error that names the column. `replace`: what is not UTF-8 is shown as U+FFFD.
        invalid_text: InvalidText = InvalidText::Refuse;
    }

    /// How statements are executed.
    section engine: EngineSettings {
        /// Threads that plan and execute. 0 is one per core.
        threads: usize = 0, within 0..=1024;
        /// Memory of all running statements together. 0 is 60 % of what the machine or container offers.
        memory_limit: ByteSize = ByteSize::bytes(0), within ByteSize::bytes(0)..=ByteSize::gib(4096);
        /// Memory of one statement. 0 is half of `memory_limit`, so that no statement alone can take what all others need.
        query_memory_limit: ByteSize = ByteSize::bytes(0), within ByteSize::bytes(0)..=ByteSize::gib(4096);
        /// Folder for statements that outgrow their memory. Not set: the system's temporary one. Each server makes a folder of
        /// its own there, and removes those that killed servers left.
        spill_directory: Option<PathBuf> = None;
        /// Disk space of all spilled data together. 0 forbids spilling.
        spill_limit: ByteSize = ByteSize::gib(20), within ByteSize::bytes(0)..=ByteSize::gib(65_536);
        /// Disk space of what one statement spills. 0 is half of `spill_limit`, so that no statement alone can take all of it.
        query_spill_limit: ByteSize = ByteSize::bytes(0), within ByteSize::bytes(0)..=ByteSize::gib(65_536);
        /// Longest run of one statement.
        statement_timeout: Duration = minutes(10), within seconds(1)..=hours(24);
        /// Rows that one statement may return; one that has more ends with an error after them. 0 is no limit, as results are
        /// streamed and take no memory.
        max_result_rows: u64 = 0;
        /// Bytes that one statement may return, counted as Arrow holds them. 0 is no limit.
        max_result_bytes: ByteSize = ByteSize::bytes(0), within ByteSize::bytes(0)..=ByteSize::gib(65_536);
        /// Bytes that the scans of one statement may hand to it: of the columns that it uses, decoded, after the row filter. What
        /// is hidden does not count, because whoever meets this limit may not be told of it. 0 is no limit.
        max_scanned_bytes: ByteSize = ByteSize::bytes(0), within ByteSize::bytes(0)..=ByteSize::gib(1_048_576);
        /// Rows of one batch inside the engine.
        batch_rows: usize = 8192, within 64..=65_536;
    }

    /// How many users and statements at once.
    section session: SessionSettings {
        /// Sessions kept at once.
        max_sessions: usize = 10_000, within 1..=1_000_000;
        /// Time after which an unused session is forgotten.
        idle_timeout: Duration = hours(1), within seconds(1)..=hours(168);
        /// Statements that run at once.
        max_concurrent_queries: usize = 64, within 1..=10_000;
        /// Statements that wait for their turn; more are refused.
        max_queued_queries: usize = 256, within 0..=100_000;
        /// Statements of one user that run at once; more wait.
        max_concurrent_queries_per_user: usize = 16, within 1..=10_000;
        /// Statements of one user that are described at once, which is what GetFlightInfo and preparing do; more wait.
        max_concurrent_descriptions_per_user: usize = 8, within 1..=10_000;
        /// Longest wait for a turn.
        queue_timeout: Duration = seconds(60), within seconds(0)..=hours(1);
    }

    /// The record of who asked what and what was let through.
    section audit: AuditSettings {
        /// File that records are appended to, one JSON object per line. Not set: standard error.
        path: Option<PathBuf> = None;
        /// Whether records carry the SQL text, which may hold personal data in its literals.
        log_statements: bool = true;
    }

    /// The operator's log, on standard error.
    section log: LogSettings {
        /// How much is logged. Libraries never log below `warn`: their lower levels print requests and plans.
        level: LogLevel = LogLevel::Info;
        /// How log lines look.
        format: LogFormat = LogFormat::Text;
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

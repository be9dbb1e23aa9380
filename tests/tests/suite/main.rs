//! Integration tests: real sockets, the sandbox on AWS's wire protocols, real Parquet, the real server process.
//!
//! One binary, so that the workspace links once. All tests share one sandbox and one server; a test that changes grants or
//! settings starts its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod access_matrix;
mod behaviour;
mod browsing;
mod caching;
mod connections;
mod delta;
mod differential;
mod draining;
mod entries;
mod growing_logs;
mod hostile_files;
mod hostile_load;
mod hostile_paths;
mod hostile_tables;
mod house;
mod key_ring;
mod life;
mod lifecycle;
mod limits;
mod many_tables;
mod masking;
mod mutants;
mod non_interference;
mod oracle;
mod policy_changes;
mod pushdown;
mod raw;
mod records;
mod reference_logs;
mod reference_tables;
mod reference_versions;
mod sessions;
mod stalled;
mod substrait;
mod support;
mod tickets;
mod time_travel;
mod tls;
mod written_columns;
mod written_nested;
mod written_partitions;
mod written_types;
mod written_vectors;

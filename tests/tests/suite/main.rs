//! Integration tests: real sockets, the sandbox on AWS's wire protocols, real Parquet, the real server process.
//!
//! One binary, so that the workspace links once. All tests share one sandbox and one server; a test that changes grants or
//! settings starts its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod abuse;
mod access_matrix;
mod admission;
mod analysts_functions;
mod announced_types;
mod behaviour;
mod browsing;
mod caching;
mod connections;
mod delta;
mod differential;
mod draining;
mod entries;
mod fault_matrix;
mod growing_logs;
mod hostile_connections;
mod hostile_files;
mod hostile_functions;
mod hostile_load;
mod hostile_parameters;
mod hostile_paths;
mod hostile_statements;
mod hostile_tables;
mod hostile_values;
mod house;
mod http2;
mod key_ring;
mod life;
mod lifecycle;
mod limits;
mod many_tables;
mod masking;
mod mutants;
mod non_interference;
mod numbers;
mod odd_logs;
mod oracle;
mod policy_changes;
mod pushdown;
mod raw;
mod records;
mod reference_logs;
mod reference_tables;
mod reference_versions;
mod relations;
mod running_policies;
mod sessions;
mod stalled;
mod substrait;
mod support;
mod tickets;
mod time_travel;
mod times;
mod tls;
mod written_columns;
mod written_nested;
mod written_partitions;
mod written_types;
mod written_vectors;

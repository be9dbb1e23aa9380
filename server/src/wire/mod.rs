//! The front door: Arrow Flight SQL over gRPC.
//!
//! ```text
//!  client                                   wire                          identity   pipeline
//!    │ Handshake, authorization: Basic ─────▶ authenticate ───────────────▶ login       │
//!    │ ◀──────── authorization: Bearer token ─────────────────────────────────┘         │
//!    │                                                                                  │
//!    │ GetFlightInfo(statement) ────────────▶ authenticate ▶ commands ▶ statements ─────▶ describe (authorises)
//!    │ ◀── wire schema, sealed ticket ──────── handles ◀── schema ◀─────────────────────┘
//!    │                                                                                  │
//!    │ DoGet(ticket) ───────────────────────▶ authenticate ▶ handles ───────────────────▶ run (authorises again)
//!    │ ◀── schema, batch, batch, … ─────────── stream ◀── rechunk ◀── schema ◀─ batches ─┘
//!    │
//!    │ CreatePreparedStatement ─────────────▶ actions ▶ prepared ───────────────────────▶ describe
//!    │ ◀── schemas, sealed handle ──────────────┘
//!    │ DoPut(handle, rows) ─────────────────▶ parameters ▶ handles
//!    │ ◀── new sealed handle ───────────────────┘
//!    │ GetFlightInfo(handle), DoGet(ticket)     as above
//!    │
//!    │ GetFlightInfo(metadata), DoGet(same) ▶ metadata, sql_info, xdbc_types ───────────▶ databases, tables
//!    │                                                                                  │
//!    │ SetSessionOptions, SET, USE ─────────▶ sessions ▶ cookie
//!    │ ◀── set-cookie: sealed options ──────────┘
//!    │ PollFlightInfo, CancelFlightInfo, RenewFlightEndpoint ▶ lifecycle ───────────────▶ queue, running queries
//! ```
//!
//! Invariants
//! - A handler gets a `Caller`, and only `authenticate` makes one.
//! - A ticket or handle says what was asked, never that it is allowed: everything is authorised again when it runs.
//! - One schema per query, from the logical plan, in the announcement and in the stream (`schema`).
//! - What the client can observe of a result beside its rows (message borders, totals) follows from the visible rows
//!   alone (`rechunk`, `statements`).
//! - Session options come from headers (`headers`) and from the session's cookie (`cookie`), for calls that plan a statement;
//!   they go into its ticket or handle, and what runs takes them from there.
//! - Errors leave by `report` only; a stream that was cut short ends with one (`stream`).
//! - What is not HTTP/2 with the port's own security is answered and closed before anything else sees it (`listener`).
//! - Of a call without a valid token nothing is read but its headers, and what a user sends is bounded in time, number and
//!   bytes (`gate`, `uploads`).
//! - What takes time in proportion to what a client sent does not run on the threads that serve all clients (`sealing`).
//! - The server keeps no state of a client between calls, so any replica with the same keys can answer each of them.

mod actions;
mod authenticate;
mod commands;
mod connection;
mod cookie;
mod deadline;
mod fields;
mod front_door;
mod functions;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gate;
mod handles;
mod headers;
mod health;
mod lifecycle;
mod like;
mod listener;
mod metadata;
mod opening;
mod parameters;
mod prepared;
mod rechunk;
mod refusals;
mod report;
mod schema;
mod sealed_options;
mod sealing;
mod server;
mod sessions;
mod sql_info;
mod statements;
mod stream;
mod tls;
mod uploads;
mod visitors;
mod xdbc_types;

pub(crate) use self::server::{Stop, WireOptions, serve};

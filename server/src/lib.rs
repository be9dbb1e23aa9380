//! Lakegate: an Arrow Flight SQL server that shows each user exactly what AWS Lake Formation grants.
//!
//! The modules are rooms with ranks; a room imports only from rooms below it (the `house` test reads the `use`
//! lines). The story of a query is told by `pipeline`; the place where rows and columns are let through is `guard`.

pub mod app;
pub mod cli;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod ids;
pub mod mutant;
pub mod settings;

mod access;
mod admin;
mod audit;
mod aws;
mod catalog;
mod clock;
mod context;
mod engine;
mod functions;
mod guard;
mod identity;
#[cfg(test)]
mod limits;
mod pipeline;
mod planner;
mod reload;
mod session;
mod sql;
mod stop;
mod table;
mod telemetry;
mod wire;

//! The server's own command line under a name that cargo builds together with the tests, so that they start the real
//! program as a process: with its arguments, its environment and its log.
//!
//! It differs from `lakegate-server` in one thing: the variable `LAKEGATE_MUTANT` switches a fault of the guard on, for the
//! tests that must notice it.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is the main of a program")]
    let variables: Vec<_> = std::env::vars_os().collect();
    let text = |(name, text): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, text.into_string().ok()?))
    };
    let environment: Vec<(String, String)> = variables.into_iter().filter_map(text).collect();
    #[cfg(debug_assertions)]
    if let Some((_, fault)) = environment.iter().find(|(name, _)| name == "LAKEGATE_MUTANT") {
        lakegate_server::mutant::switch_on(fault);
    }
    lakegate_server::cli::run(std::env::args_os(), environment.into_iter())
}

//! The server's own command line under a name that cargo builds together with the tests, so that they start the real
//! program as a process: with its arguments, its environment and its log.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is the main of a program")]
    let variables = std::env::vars_os();
    let environment =
        variables.filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    lakegate_server::cli::run(std::env::args_os(), environment)
}

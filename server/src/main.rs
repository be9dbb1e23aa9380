//! The binary `lakegate-server`: hands the process's arguments and environment to the library.
//!
//! Nothing else in the program reads the environment, so what a server does is decided by what is passed here.

use std::process::ExitCode;

/// Queries allocate and free batches on all threads; this allocator does that several per cent faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the one place where the process environment is read")]
    let variables = std::env::vars_os();
    // A variable that is not Unicode cannot be a setting.
    let environment =
        variables.filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    lakegate_server::cli::run(std::env::args_os(), environment)
}

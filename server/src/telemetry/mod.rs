//! The operator's log and metrics.
//!
//! Invariant: only this server's own lines are ever logged below `warn`. Libraries print signed headers, request
//! bodies, URLs, plans and predicates at their lower levels, and those hold credentials, row filters and data. Of panics
//! only the place is told, because their messages quote values.

mod log_queue;
pub(crate) mod metrics;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::log_queue::LogQueue;
pub(crate) use self::log_queue::flush;
use crate::error::Error;
use crate::settings::{LogFormat, LogLevel, LogSettings};

/// Prefix of the targets that may log at the configured level.
const OWN_TARGETS: &str = "lakegate";

/// Libraries whose warnings print expressions of statements.
const ENGINE_TARGETS: [&str; 4] = ["datafusion", "sqlparser", "arrow", "parquet"];

/// Whether lines may repeat what statements say. One for the process, as the log is.
static REPEATS_STATEMENTS: AtomicBool = AtomicBool::new(false);

/// Starts logging to standard error. A process that already has a logger keeps it: then this is a test.
///
/// # Arguments
/// * `repeats_statements` - whether lines may repeat what statements say.
///
/// # Errors
/// If there is no thread to write.
pub(crate) fn start(settings: &LogSettings, repeats_statements: bool) -> Result<(), Error> {
    let failed = |error: io::Error| Error::internal(format!("logging cannot be started: {error}"));
    let queue = LogQueue::start(io::stderr()).map_err(failed)?;
    queue.install();
    REPEATS_STATEMENTS.store(repeats_statements, Ordering::Relaxed);
    let filter = filter(settings.level, repeats_statements);
    let registry = tracing_subscriber::registry();
    let lines = tracing_subscriber::fmt::layer().with_writer(queue);
    let started = match settings.format {
        LogFormat::Text if io::stderr().is_terminal() => registry.with(lines.with_filter(filter)).try_init(),
        LogFormat::Text => registry.with(lines.with_ansi(false).with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(lines.json().with_filter(filter)).try_init(),
    };
    match started {
        Ok(()) => std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            tracing::error!(%place, %thread, "a defect: something panicked");
        })),
        Err(error) => tracing::debug!(%error, "logging was started before"),
    }
    Ok(())
}

/// Whether lines may repeat what statements say: `audit.log_statements`.
pub(crate) fn repeats_statements() -> bool {
    REPEATS_STATEMENTS.load(Ordering::Relaxed)
}

fn filter(level: LogLevel, repeats_statements: bool) -> Targets {
    let own = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_default(own.min(LevelFilter::WARN)).with_target(OWN_TARGETS, own);
    if repeats_statements {
        return targets;
    }
    targets.with_targets(ENGINE_TARGETS.map(|library| (library, LevelFilter::OFF)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_stay_at_warn_however_much_the_server_logs() {
        let filter = filter(LogLevel::Trace, true);
        assert!(filter.would_enable("lakegate_server::pipeline", &Level::TRACE));
        for library in
            ["hyper", "h2", "aws_smithy_runtime", "aws_sigv4", "object_store", "datafusion", "tonic"]
        {
            assert!(filter.would_enable(library, &Level::WARN), "{library}");
            assert!(!filter.would_enable(library, &Level::INFO), "{library}");
        }
    }

    #[test]
    fn a_quiet_server_quiets_its_libraries_too() {
        let filter = filter(LogLevel::Error, true);
        assert!(!filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("lakegate_server", &Level::WARN));
    }
    #[test]
    fn what_prints_expressions_of_statements_is_silent_unless_statements_may_be_repeated() {
        let filter = filter(LogLevel::Trace, false);
        for library in ["datafusion_physical_plan", "datafusion::execution", "sqlparser::parser", "parquet"] {
            assert!(!filter.would_enable(library, &Level::ERROR), "{library}");
        }
        assert!(filter.would_enable("hyper", &Level::WARN));
    }
}

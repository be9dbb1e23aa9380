//! The operator's log and metrics.
//!
//! Invariant: only this server's own lines are ever logged below `warn`. Libraries print signed headers, request
//! bodies, URLs, plans and predicates at their lower levels, and those hold credentials, row filters and data.

pub(crate) mod metrics;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::{LogFormat, LogLevel, LogSettings};

/// Prefix of the targets that may log at the configured level.
const OWN_TARGETS: &str = "lakegate";

/// Starts logging to standard error. A process that already has a logger keeps it: then this is a test.
pub(crate) fn start(settings: &LogSettings) {
    let filter = filter(settings.level);
    let registry = tracing_subscriber::registry();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => registry.with(lines.with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(lines.json().with_filter(filter)).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}

fn filter(level: LogLevel) -> Targets {
    let own = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_default(own.min(LevelFilter::WARN)).with_target(OWN_TARGETS, own)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_stay_at_warn_however_much_the_server_logs() {
        let filter = filter(LogLevel::Trace);
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
        let filter = filter(LogLevel::Error);
        assert!(!filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("lakegate_server", &Level::WARN));
    }
}

//! The limit of open files of this process.
//!
//! Service managers start processes with room for 1,024 files, of which each connection is one, and let them ask for more.

/// Files that are open beside the connections of clients: to AWS, logs, spilled data.
const OTHER_FILES: u64 = 512;

/// Takes as many as there are, and says so if they are too few for so many connections.
pub(super) fn raise_limit(max_connections: usize) {
    let wanted = (max_connections as u64).saturating_add(OTHER_FILES);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= wanted => {}
        Ok(limit) => tracing::warn!(limit, wanted, "too few open files for server.max_connections"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}

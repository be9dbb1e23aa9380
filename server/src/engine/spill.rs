//! The private folder that statements spill to.
//!
//! Spilled data is tenants' data, so the folder is its user's alone and is removed with everything in it when the server
//! ends. A process that was killed leaves it behind: each start removes such folders first.
//!
//! Invariants
//! - A folder is taken for left behind only if it is named and owned like one of ours and nobody holds its lock, which
//!   the system releases when a process ends in whatever way. So servers may share a parent folder.
//! - Links are not followed, neither to a folder nor within one.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "lakegate-spill-";

/// Held as long as the folder is used.
const LOCK: &str = "in-use";

/// See the file's head.
pub(super) struct SpillFolder {
    folder: TempDir,
    _lock: File,
}

impl SpillFolder {
    /// Makes an empty folder, after it has removed those that were left behind.
    ///
    /// # Arguments
    /// * `parent` - the system's folder for temporary files if there is none.
    ///
    /// # Errors
    /// If a folder cannot be made or locked, or one that was left behind cannot be removed.
    pub(super) fn make(parent: Option<PathBuf>) -> Result<Self> {
        let parent = parent.unwrap_or_else(std::env::temp_dir);
        fs::create_dir_all(&parent)?;
        let folder = private_folder(&parent)?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock.try_lock().map_err(Error::other)?;
        for entry in fs::read_dir(&parent)? {
            let path = entry?.path();
            if path != folder.path() && is_left_behind(&path, folder.path()) {
                remove(&path)?;
            }
        }
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn remove(left_behind: &Path) -> Result<()> {
    match fs::remove_dir_all(left_behind) {
        // Another server that starts now was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn private_folder(parent: &Path) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(parent)
}

/// Whether a path is a folder of ours that no process uses. One that cannot be looked into is not ours.
fn is_left_behind(path: &Path, ours: &Path) -> bool {
    let is_named =
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
    let is_free = || File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
    is_named && is_owned_like(path, ours).unwrap_or(false) && is_free()
}

fn is_owned_like(path: &Path, ours: &Path) -> Result<bool> {
    let (theirs, ours) = (fs::symlink_metadata(path)?, fs::symlink_metadata(ours)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if theirs.uid() != ours.uid() {
            return Ok(false);
        }
    }
    Ok(theirs.is_dir() && ours.is_dir())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn a_start_removes_what_dead_processes_left_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let within = |name: &str| parent.path().join(name);
        let running = SpillFolder::make(Some(parent.path().to_owned())).unwrap();
        fs::write(running.path().join("spilled"), "of a running server").unwrap();
        // What a killed process leaves: its lock is free.
        fs::create_dir(within("lakegate-spill-dead")).unwrap();
        fs::write(within("lakegate-spill-dead").join(LOCK), "").unwrap();
        fs::write(within("lakegate-spill-dead").join("spilled"), "of a dead server").unwrap();
        // Not ours: another name, no lock.
        fs::create_dir(within("other")).unwrap();
        fs::create_dir(within("lakegate-spill-foreign")).unwrap();
        let started = SpillFolder::make(Some(parent.path().to_owned())).unwrap();
        assert!(!within("lakegate-spill-dead").exists());
        assert!(within("other").exists() && within("lakegate-spill-foreign").exists());
        assert!(running.path().join("spilled").exists());
        let path = started.path().to_owned();
        drop(started);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_its_users_alone_and_a_link_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join(LOCK), "").unwrap();
        symlink(elsewhere.path(), parent.path().join("lakegate-spill-link")).unwrap();
        let folder = SpillFolder::make(Some(parent.path().to_owned())).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(elsewhere.path().join(LOCK).exists());
    }
}

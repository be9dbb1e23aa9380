//! Where output goes: standard output, a screen, a device, or a file that appears only when it is whole.
//!
//! A file is written under a temporary name in the same directory and renamed at the end, so a
//! failed query leaves an older file of that name as it was and never a half file that looks
//! complete. A result that is added to a file is written aside in the same way. A device or named pipe is written
//! directly: renaming over `/dev/null` would replace it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Seek, Stdout, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::screen::Screen;

const BUFFER_BYTES: usize = 256 * 1024;

/// An output that has to be committed to count.
pub(super) enum Destination {
    Stdout(BufWriter<Stdout>),
    Screen(Box<Screen>),
    Device(BufWriter<File>),
    File { partial: BufWriter<NamedTempFile>, target: PathBuf, appends: bool },
}

impl Destination {
    pub(super) fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))
    }

    /// Prepares to write the file `path`, or to add to it. A symbolic link keeps pointing where it points.
    pub(super) fn file(path: &Path, appends: bool) -> io::Result<Self> {
        let existing = path.metadata().ok();
        if existing.as_ref().is_some_and(|found| !found.is_file()) {
            let device = OpenOptions::new().write(true).open(path)?;
            return Ok(Self::Device(BufWriter::with_capacity(BUFFER_BYTES, device)));
        }
        let target = match existing {
            Some(_) => path.canonicalize()?,
            None => path.to_owned(),
        };
        let partial = partial_file(&target, existing)?;
        Ok(Self::File { partial: BufWriter::with_capacity(BUFFER_BYTES, partial), target, appends })
    }

    /// Writes what is buffered and puts a file in its place. Without this the file is deleted.
    pub(super) fn commit(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush(),
            Self::Screen(screen) => screen.commit(),
            Self::Device(mut out) => out.flush(),
            Self::File { partial, target, appends } => {
                let mut partial = partial.into_inner().map_err(io::IntoInnerError::into_error)?;
                if appends {
                    partial.rewind()?;
                    let mut whole = OpenOptions::new().append(true).create(true).open(target)?;
                    io::copy(&mut partial, &mut whole)?;
                    return Ok(());
                }
                partial.persist(target).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

/// A temporary file beside `target`, with the access rights that `target` has or would get.
fn partial_file(target: &Path, existing: Option<Metadata>) -> io::Result<NamedTempFile> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lakegate-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The default of the temporary file would be 0600 whatever the user's umask says.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let partial = builder.tempfile_in(directory)?;
    if let Some(existing) = existing {
        partial.as_file().set_permissions(existing.permissions())?;
    }
    Ok(partial)
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Screen(out) => out.write(bytes),
            Self::Device(out) => out.write(bytes),
            Self::File { partial, .. } => partial.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Screen(out) => out.flush(),
            Self::Device(out) => out.flush(),
            Self::File { partial, .. } => partial.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed file operation fails the test")]

    use std::fs;

    use super::*;

    #[test]
    fn a_file_appears_only_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("rows.csv");
        let mut output = Destination::file(&target, false).unwrap();
        output.write_all(b"a,b\n").unwrap();
        output.flush().unwrap();
        assert!(!target.exists());
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"a,b\n");
    }

    #[test]
    fn an_output_that_is_not_committed_leaves_the_older_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("rows.csv");
        fs::write(&target, "old").unwrap();
        let mut output = Destination::file(&target, false).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_result_is_added_to_a_file_only_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("rows.csv");
        fs::write(&target, "first\n").unwrap();
        let mut abandoned = Destination::file(&target, true).unwrap();
        abandoned.write_all(b"half").unwrap();
        drop(abandoned);
        let mut output = Destination::file(&target, true).unwrap();
        output.write_all(b"second\n").unwrap();
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"first\nsecond\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_access_rights() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("rows.csv");
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        Destination::file(&target, false).unwrap().commit().unwrap();
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_keeps_pointing_to_the_file_that_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("real.csv");
        let link = directory.path().join("link.csv");
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut output = Destination::file(&link, false).unwrap();
        output.write_all(b"new").unwrap();
        output.commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_and_not_replaced() {
        let mut output = Destination::file(Path::new("/dev/null"), false).unwrap();
        output.write_all(b"rows").unwrap();
        output.commit().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

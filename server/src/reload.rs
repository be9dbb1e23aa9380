//! Values made of files that are read again when the files change: certificates and keys.
//!
//! What counts is the files' content. Times and sizes mislead: Kubernetes swaps symbolic links, copies keep times, and a key
//! is as long as its successor. Reading a few kilobytes every few seconds costs nothing.
//!
//! Invariants
//! - There always is a value. Files that are gone or wrong leave the old one in place, and one line in the log.
//! - All files of a value are taken together, when two looks in a row saw the same, so that a certificate is not paired with
//!   the key of its predecessor while both are being copied. A SIGHUP says that the files are complete.
//! - Of the content only a fingerprint is kept; what was read is wiped.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

/// Time between the look that found a change and the one that confirms it.
const SETTLE: Duration = Duration::from_secs(1);

/// The bytes of one file.
pub(crate) type Content = Zeroizing<Vec<u8>>;

type Fingerprint = [u8; 32];

/// Makes a value of the files' contents.
type Make<T> = dyn Fn(&[Content]) -> Result<T, Error> + Send;

/// A value that follows its files.
pub(crate) struct Followed<T> {
    current: Arc<ArcSwap<T>>,
    _follower: Option<AbortOnDropHandle<()>>,
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// A value that has no files and stays.
    pub(crate) fn fixed(value: T) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(value)), _follower: None }
    }

    /// Makes a value of files now and whenever they have changed. Needs a Tokio runtime.
    ///
    /// # Arguments
    /// * `what` - the value's name in the log.
    /// * `make` - gets one content per path, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if a file cannot be read now, and what `make` answers now. Later ones are logged.
    pub(crate) fn start(
        what: &'static str,
        paths: Vec<PathBuf>,
        make: impl Fn(&[Content]) -> Result<T, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let found = Found::look(&paths).map_err(|unreadable| unreadable.into_error(what))?;
        let current = Arc::new(ArcSwap::from_pointee(make(&found.contents)?));
        let follower = Follower {
            what,
            paths: paths.into(),
            make: Box::new(make),
            current: Arc::clone(&current),
            last_tried: found.fingerprint,
            complaint: None,
        };
        let follower = AbortOnDropHandle::new(tokio::spawn(follower.run()));
        Ok(Self { current, _follower: Some(follower) })
    }

    /// The value of now.
    pub(crate) fn load(&self) -> Arc<T> {
        self.current.load_full()
    }
}

/// What a look at the files has found.
struct Found {
    contents: Vec<Content>,
    fingerprint: Fingerprint,
}

/// A file that could not be read, and why.
#[derive(PartialEq, Eq)]
struct Unreadable {
    path: PathBuf,
    kind: io::ErrorKind,
}

impl Unreadable {
    fn into_error(self, what: &str) -> Error {
        let internal = format!("{what}: {}: {}", self.path.display(), self.kind);
        Error::new(ErrorKind::InvalidRequest, "a file that the configuration names cannot be read")
            .because(internal)
    }
}

impl Found {
    fn look(paths: &[PathBuf]) -> Result<Self, Unreadable> {
        let mut digest = Sha256::new();
        let mut contents = Vec::with_capacity(paths.len());
        for path in paths {
            let content = std::fs::read(path)
                .map(Zeroizing::new)
                .map_err(|error| Unreadable { path: path.clone(), kind: error.kind() })?;
            // With its length, so that no byte can move from one file to the next unnoticed.
            digest.update((content.len() as u64).to_be_bytes());
            digest.update(content.as_slice());
            contents.push(content);
        }
        Ok(Self { contents, fingerprint: digest.finalize().into() })
    }
}

/// The task that looks.
struct Follower<T> {
    what: &'static str,
    paths: Arc<[PathBuf]>,
    make: Box<Make<T>>,
    current: Arc<ArcSwap<T>>,
    /// What the value was made of, or what was refused after that.
    last_tried: Fingerprint,
    /// What was last said of unreadable files, so that it is said once.
    complaint: Option<Unreadable>,
}

impl<T: Send + Sync + 'static> Follower<T> {
    async fn run(mut self) {
        let mut hangups = Hangups::listen();
        let mut unconfirmed = None;
        loop {
            let pause = if unconfirmed.is_some() { SETTLE } else { INTERVAL };
            let is_asked_for = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = hangups.next() => true,
            };
            unconfirmed = self.look(unconfirmed, is_asked_for).await;
        }
    }

    /// Looks once. Answers with a change that the next look has to confirm.
    async fn look(&mut self, unconfirmed: Option<Fingerprint>, is_asked_for: bool) -> Option<Fingerprint> {
        let paths = Arc::clone(&self.paths);
        // A file may be on a network drive that hangs.
        let found = match tokio::task::spawn_blocking(move || Found::look(&paths)).await {
            Ok(Ok(found)) => found,
            Ok(Err(unreadable)) => {
                self.complain(unreadable);
                return None;
            }
            // Only when the runtime is shutting down.
            Err(_) => return None,
        };
        self.complaint = None;
        if found.fingerprint == self.last_tried {
            return None;
        }
        if !is_asked_for && unconfirmed != Some(found.fingerprint) {
            return Some(found.fingerprint);
        }
        self.apply(&found);
        None
    }

    fn apply(&mut self, found: &Found) {
        self.last_tried = found.fingerprint;
        match (self.make)(&found.contents) {
            Ok(value) => {
                self.current.store(Arc::new(value));
                tracing::info!(what = self.what, "changed files were read, the new value is in use");
            }
            Err(error) => {
                let reason = error.internal_text();
                tracing::error!(what = self.what, %error, reason, "changed files cannot be used, the old value stays");
            }
        }
    }

    fn complain(&mut self, unreadable: Unreadable) {
        if self.complaint.as_ref() != Some(&unreadable) {
            let (path, reason) = (unreadable.path.display(), unreadable.kind);
            tracing::error!(what = self.what, %path, %reason, "a file cannot be read, the old value stays");
            self.complaint = Some(unreadable);
        }
    }
}

/// SIGHUPs of this process; none if they cannot be listened to.
struct Hangups(Option<Signal>);

impl Hangups {
    fn listen() -> Self {
        Self(signal(SignalKind::hangup()).ok())
    }

    async fn next(&mut self) {
        let received = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if received.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests;

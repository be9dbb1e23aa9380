//! S3: the protocol from `s3s`, our own access checks before it and our own object store behind it.
//!
//! `s3s` parses requests and verifies their signatures, streaming ones included; `access.rs` decides who may do
//! what; `store.rs` keeps an index of objects in memory and their bytes in one folder; `service.rs` joins them. The
//! index is what makes conditional writes atomic, keys literal (no `..`, no directories) and listings proportional
//! to what they return, which no plain mapping of keys to files gives.

mod access;
mod bytes_io;
mod operation;
mod service;
mod store;
mod uploads;

use std::path::Path;
use std::sync::Arc;

use s3s::service::{S3Service, S3ServiceBuilder};

pub(crate) use operation::operation_name;

use crate::state::State;

/// The S3 service over the object bytes in `folder`.
pub(crate) fn service(state: &Arc<State>, folder: &Path) -> S3Service {
    let mut builder = S3ServiceBuilder::new(service::Objects::new(folder));
    builder.set_auth(access::Keys(Arc::clone(state)));
    builder.set_access(access::Access(Arc::clone(state)));
    builder.build()
}

//! The sandbox, driven over the wire by the clients that will use it: the AWS SDKs, `object_store`, and, where a
//! request must be wrong on purpose or no client is linked, single requests signed by the SDKs' own signer.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod account;
mod catalog;
mod clock;
mod faults;
mod fixture;
mod grants;
mod internal;
mod metadata;
mod raw;
mod roles;
mod s3;
mod signatures;
mod vending;

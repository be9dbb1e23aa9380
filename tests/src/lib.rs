//! What the integration tests of Lakegate share. Nothing here is shipped.

pub mod oracle;
pub mod stack;

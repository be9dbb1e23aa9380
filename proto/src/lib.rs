//! Wire messages of Lakegate that no other crate defines, generated from `definitions/`.
//!
//! [`v1`] holds what the server seals and hands out; [`flight`] holds the messages of Arrow Flight that the
//! `arrow-flight` crate lacks. Nothing here has behaviour: sealing belongs to the server's `identity` room.

/// Bodies of sealed tokens, tickets and handles: package `lakegate.v1`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/lakegate.v1.rs"));
}

/// Arrow Flight's session actions and the complete answer to CreatePreparedStatement: package `lakegate.flight`.
pub mod flight {
    include!(concat!(env!("OUT_DIR"), "/lakegate.flight.rs"));
}

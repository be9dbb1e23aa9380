//! Fuzz target of bound parameters: the messages of one bind, each as the two of Arrow's IPC format in a frame of our own.
//!
//! ```text
//! length of head (4, little endian) ‖ length of body (4) ‖ head ‖ body, and the same again
//! ```
//!
//! Lengths that are too long mean the rest. What is decoded stays within what a bind may have, whatever its bytes, and is
//! the same once it was sealed and opened.

use super::super::parameters::{Received, assert_bounded, from_sealed_bytes, to_bytes};
use super::must;

/// A sealed bind travels in each call that uses it, in bytes.
const MOST_SEALED: usize = 8 * 1024 * 1024;

/// See the file's head.
pub(crate) fn parameters(data: &[u8]) {
    silence_panics();
    let Ok(rows) = Received::of(messages(data)).decode() else { return };
    assert_bounded(&rows);
    for column in rows.columns() {
        assert!(column.to_data().validate_full().is_ok(), "a column that is not valid");
    }
    let sealed = must(to_bytes(Some(&rows)));
    assert!(sealed.len() <= MOST_SEALED, "{} bytes to seal", sealed.len());
    let opened = must(from_sealed_bytes(&sealed));
    assert!(opened.is_some_and(|opened| opened == rows), "other values after sealing");
}

fn messages(mut data: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some((lengths, rest)) = data.split_first_chunk::<8>() {
        let [head, body] = [&lengths[..4], &lengths[4..]].map(|length| {
            let bytes = length.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
            usize::try_from(bytes).unwrap_or(usize::MAX)
        });
        let (head, rest) = rest.split_at(head.min(rest.len()));
        let (body, rest) = rest.split_at(body.min(rest.len()));
        messages.push((head.to_vec(), body.to_vec()));
        data = rest;
    }
    messages
}

/// A panic of the decoder is an error of the one call, and libFuzzer would take it for a find.
fn silence_panics() {
    #[cfg(fuzzing)]
    std::panic::set_hook(Box::new(|_panic| {}));
}

//! See `lakegate_server::fuzzing::deletion_vector`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lakegate_server::fuzzing::deletion_vector(data));

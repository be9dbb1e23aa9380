//! See `lakegate_server::fuzzing::row_filter`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lakegate_server::fuzzing::row_filter(data));

//! See `lakegate_server::fuzzing::sql`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lakegate_server::fuzzing::sql(data));

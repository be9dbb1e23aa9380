//! See `lakegate_server::fuzzing::path_jail`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lakegate_server::fuzzing::path_jail(data));

//! See `lakegate_server::fuzzing::parquet`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lakegate_server::fuzzing::parquet(data));

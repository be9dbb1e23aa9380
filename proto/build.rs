//! Compiles the definitions with `protox`, a compiler in Rust, so that no system `protoc` is needed.

use std::error::Error;

const ROOT: &str = "definitions";
const FILES: [&str; 2] = ["lakegate/v1/sealed.proto", "lakegate/flight/missing.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let descriptors = protox::compile(FILES, [ROOT])?;
    tonic_prost_build::configure().emit_rerun_if_changed(false).compile_fds(descriptors)?;
    Ok(())
}

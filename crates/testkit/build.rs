//! Generates the server side of each service with default methods, which respond "unimplemented". A fake then
//! implements only the methods that its tests need. Messages come from the crate `proto`.

use std::error::Error;
use std::path::PathBuf;

const SERVICES: &[&str] = &["auth", "stream", "vod", "chat", "notification"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let file = |name: &&str| format!("airwave/{name}/v1/{name}.proto");
    let descriptors = protox::compile(SERVICES.iter().map(file), [&root])?;
    let mut builder = tonic_prost_build::configure()
        .build_client(false)
        .generate_default_stubs(true);
    for module in SERVICES.iter().chain(&["common", "events"]) {
        builder = builder.extern_path(format!(".airwave.{module}.v1"), format!("::proto::{module}::v1"));
    }
    builder.compile_fds(descriptors)?;
    Ok(())
}

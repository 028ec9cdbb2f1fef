//! Compiles `proto/` with protox, a compiler in Rust, so that no machine needs protoc.

use std::error::Error;
use std::path::PathBuf;

const FILES: &[&str] = &[
    "airwave/common/v1/common.proto",
    "airwave/auth/v1/auth.proto",
    "airwave/stream/v1/stream.proto",
    "airwave/vod/v1/vod.proto",
    "airwave/chat/v1/chat.proto",
    "airwave/notification/v1/notification.proto",
    "airwave/events/v1/events.proto",
    "airwave/events/v1/realtime.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}

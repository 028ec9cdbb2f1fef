//! Prints a description of the gateway, `openapi` or `asyncapi`, for the copy in the repository: `make
//! openapi` writes both, `make check` compares them.

#[expect(clippy::print_stdout, reason = "its output is the document")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let document = match std::env::args().nth(1).as_deref() {
        Some("openapi") => gateway::openapi()?,
        Some("asyncapi") => gateway::asyncapi()?,
        _ => return Err("usage: gateway-describe openapi|asyncapi".into()),
    };
    println!("{document}");
    Ok(())
}

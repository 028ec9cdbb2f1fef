//! Prints the API's description, for the copy in the repository: `make openapi` writes it, `make check` compares it.

#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> Result<(), serde_json::Error> {
    println!("{}", gateway::openapi()?);
    Ok(())
}

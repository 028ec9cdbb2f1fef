//! As much of MongoDB's wire protocol as asking whether a server is ready takes: one command, one answer.
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OP_MSG: u32 = 2013;

/// A value in a document that we send.
pub(crate) enum Element<'a> {
    Int(i32),
    Text(&'a str),
    Document(&'a [u8]),
    Array(&'a [u8]),
}

/// Encodes a document.
pub(crate) fn document(elements: &[(&str, Element<'_>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, element) in elements {
        let (kind, value) = encode(element);
        body.push(kind);
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        body.extend_from_slice(&value);
    }
    let mut document = length(body.len() + 5);
    document.extend_from_slice(&body);
    document.push(0);
    document
}

fn encode(element: &Element<'_>) -> (u8, Vec<u8>) {
    match element {
        Element::Int(value) => (0x10, value.to_le_bytes().to_vec()),
        Element::Document(value) => (0x03, value.to_vec()),
        Element::Array(value) => (0x04, value.to_vec()),
        Element::Text(value) => {
            let mut text = length(value.len() + 1);
            text.extend_from_slice(value.as_bytes());
            text.push(0);
            (0x02, text)
        }
    }
}

/// Sends one command and returns the bytes of the answer's document.
pub(crate) async fn command(address: &str, command: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let mut message = length(16 + 4 + 1 + command.len());
    // Request 1, answer to none, the kind of message; then no flags and one body section.
    for word in [1, 0, OP_MSG, 0] {
        message.extend_from_slice(&word.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(command);
    stream.write_all(&message).await?;
    let size = stream.read_u32_le().await?;
    ensure!((26..1_000_000).contains(&size), "an answer of {size} bytes");
    let mut answer = vec![0; size as usize - 4];
    stream.read_exact(&mut answer).await?;
    Ok(answer.split_off(12 + 5))
}

/// Fails unless the server takes writes.
pub(crate) async fn writable(address: &str) -> Result<()> {
    let hello = document(&[("hello", Element::Int(1)), ("$db", Element::Text("admin"))]);
    let answer = command(address, &hello).await?;
    // A boolean element: its kind, its name, its value.
    let wanted = b"\x08isWritablePrimary\0\x01";
    ensure!(
        answer.windows(wanted.len()).any(|part| part == wanted),
        "it takes no writes yet"
    );
    Ok(())
}

fn length(bytes: usize) -> Vec<u8> {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes().to_vec()
}

//! The part of MongoDB's wire protocol that a readiness check needs: one command and its reply.
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OP_MSG: u32 = 2013;

/// A value in a BSON document.
pub(crate) enum BsonValue<'a> {
    Int(i32),
    Text(&'a str),
    Document(&'a [u8]),
    Array(&'a [u8]),
}

/// Encodes a BSON document.
pub(crate) fn document(elements: &[(&str, BsonValue<'_>)]) -> Vec<u8> {
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

fn encode(element: &BsonValue<'_>) -> (u8, Vec<u8>) {
    match element {
        BsonValue::Int(value) => (0x10, value.to_le_bytes().to_vec()),
        BsonValue::Document(value) => (0x03, value.to_vec()),
        BsonValue::Array(value) => (0x04, value.to_vec()),
        BsonValue::Text(value) => {
            let mut text = length(value.len() + 1);
            text.extend_from_slice(value.as_bytes());
            text.push(0);
            (0x02, text)
        }
    }
}

/// Sends one command and returns the BSON document of the reply.
pub(crate) async fn command(address: &str, command: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let mut message = length(16 + 4 + 1 + command.len());
    // Header: request id 1, response to nothing, the opcode. Then no flags and one body section.
    for word in [1, 0, OP_MSG, 0] {
        message.extend_from_slice(&word.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(command);
    stream.write_all(&message).await?;
    let size = stream.read_u32_le().await?;
    ensure!(
        (26..1_000_000).contains(&size),
        "invalid reply size: {size} bytes"
    );
    let mut reply = vec![0; size as usize - 4];
    stream.read_exact(&mut reply).await?;
    Ok(reply.split_off(12 + 5))
}

/// Fails unless the server accepts writes.
pub(crate) async fn ensure_writable(address: &str) -> Result<()> {
    let hello = document(&[("hello", BsonValue::Int(1)), ("$db", BsonValue::Text("admin"))]);
    let reply = command(address, &hello).await?;
    // A boolean element: type, name, value.
    let expected = b"\x08isWritablePrimary\0\x01";
    ensure!(
        reply.windows(expected.len()).any(|part| part == expected),
        "MongoDB accepts no writes yet"
    );
    Ok(())
}

fn length(bytes: usize) -> Vec<u8> {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes().to_vec()
}

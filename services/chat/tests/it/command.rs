//! Parses MongoDB commands from the wire.
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>

use mongodb::bson::{Bson, Document};

const OP_MSG: i32 = 2013;

#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) body: Document,
    /// The number of documents that follow the body, such as those of an insert.
    pub(crate) documents: usize,
}

impl Command {
    /// Returns `None` for messages of another kind, such as the initial handshake.
    pub(crate) fn parse(frame: &[u8]) -> Option<Self> {
        if number(frame, 12)? != OP_MSG {
            return None;
        }
        // Sections follow the 16-byte header and the flags, each with its kind.
        let (mut at, mut body, mut count) = (20, None, 0);
        while let Some(kind) = frame.get(at) {
            let size = usize::try_from(number(frame, at + 1)?).ok()?;
            let section = frame.get(at + 1..at + 1 + size)?;
            match kind {
                0 => body = Some(Document::from_reader(section).unwrap()),
                _ => count += documents(section)?,
            }
            at += 1 + size;
        }
        body.map(|body| Self {
            body,
            documents: count,
        })
    }

    /// Such as `insert`.
    pub(crate) fn name(&self) -> &str {
        self.body.keys().next().map_or("", String::as_str)
    }

    pub(crate) fn collection(&self) -> &str {
        self.body.values().next().and_then(Bson::as_str).unwrap_or("")
    }

    pub(crate) fn is(&self, name: &str, collection: &str) -> bool {
        (self.name(), self.collection()) == (name, collection)
    }

    /// Whether it changes documents, alone or as part of a transaction.
    pub(crate) fn writes(&self) -> bool {
        ["insert", "update", "delete", "findAndModify"].contains(&self.name())
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        matches!(self.body.get_bool("autocommit"), Ok(false))
    }

    /// Whether the server replies only once a majority has it on disk.
    pub(crate) fn has_majority_concern(&self) -> bool {
        self.body.get_document("writeConcern").is_ok_and(|concern| {
            matches!(
                (concern.get_str("w"), concern.get_bool("j")),
                (Ok("majority"), Ok(true))
            )
        })
    }
}

/// Counts the documents that follow a section's size and name.
fn documents(section: &[u8]) -> Option<usize> {
    let name = section.get(4..)?.iter().position(|byte| *byte == 0)?;
    let (mut at, mut count) = (4 + name + 1, 0);
    while at < section.len() {
        at += usize::try_from(number(section, at)?).ok()?;
        count += 1;
    }
    Some(count)
}

fn number(bytes: &[u8], at: usize) -> Option<i32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(i32::from_le_bytes(bytes.try_into().ok()?))
}

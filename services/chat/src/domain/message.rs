use primitives::{FieldError, UserId, text};

use crate::domain::Standing;

/// Longest id that a client may give a message, in bytes.
const MAX_CLIENT_ID: usize = 64;
/// Longest id that we look up; ours have 36 bytes.
const MAX_MESSAGE_ID: usize = 64;

/// A message that somebody wants to say, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who speaks.
    pub user: UserId,
    /// The speaker's name now.
    pub username: String,
    /// The text.
    pub text: String,
    /// What makes a repeat of it the same message.
    pub client_id: Option<ClientMessageId>,
}

impl Draft {
    /// Checks what a client sent.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(
        user: UserId,
        username: &str,
        text: &str,
        client_id: Option<String>,
    ) -> Result<Self, FieldError> {
        let text = text::chat_message(text)?;
        let client_id = client_id.map(ClientMessageId::parse).transpose()?;
        Ok(Self {
            user,
            username: username.to_owned(),
            text,
            client_id,
        })
    }
}

/// The id that a client gave its message: of the same user in the same room it is the same message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientMessageId(String);

impl ClientMessageId {
    fn parse(id: String) -> Result<Self, FieldError> {
        if (1..=MAX_CLIENT_ID).contains(&id.len()) && !id.contains(char::is_control) {
            Ok(Self(id))
        } else {
            Err(FieldError::new(
                "clientMessageId",
                "control_characters",
                "must not contain control characters",
            ))
        }
    }

    /// The id as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a message that somebody asks for; whether there is one shows in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// Checks what a client sent.
    ///
    /// # Errors
    /// When no message of ours can have it.
    pub fn parse(id: String) -> Result<Self, FieldError> {
        if (1..=MAX_MESSAGE_ID).contains(&id.len()) {
            Ok(Self(id))
        } else {
            Err(FieldError::invalid_id("id"))
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether somebody may delete a message: its author, even one who may not speak any more, and who moderates
/// the room.
#[must_use]
pub fn may_delete(user: UserId, author: UserId, standing: Standing) -> bool {
    user == author || standing.moderates()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserId = UserId(1);

    fn draft(text: &str, client_id: Option<&str>) -> Result<Draft, FieldError> {
        Draft::parse(USER, "lan", text, client_id.map(str::to_owned))
    }

    #[test]
    fn a_message_has_something_to_see() {
        assert_eq!(draft(" hello ", None).map(|d| d.text).as_deref(), Ok("hello"));
        for bad in ["", "   ", "\u{200B}\u{200D}", "a\u{7}b", &"x".repeat(501)] {
            assert_eq!(draft(bad, None).unwrap_err().path, "message", "{bad:?}");
        }
    }

    #[test]
    fn a_client_id_has_a_bound() {
        assert!(draft("x", Some(&"a".repeat(64))).is_ok());
        for bad in ["", &"a".repeat(65), "a\0b"] {
            assert_eq!(
                draft("x", Some(bad)).unwrap_err().path,
                "clientMessageId",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn authors_and_those_who_moderate_delete() {
        let author = UserId(2);
        assert!(may_delete(author, author, Standing::Banned));
        assert!(may_delete(USER, author, Standing::Moderator));
        assert!(may_delete(USER, author, Standing::Owner));
        assert!(!may_delete(USER, author, Standing::Viewer));
        assert!(!may_delete(USER, author, Standing::Banned));
    }
}

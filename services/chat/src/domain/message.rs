use primitives::{FieldError, UserId, text};

use super::standing::Standing;

/// The longest client message id, in bytes.
const MAX_CLIENT_ID_LENGTH: usize = 64;
/// The longest message id worth looking up, in bytes; real ids have 36.
const MAX_ID_LENGTH: usize = 64;

/// A valid message that is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub user: UserId,
    /// The user's current name.
    pub username: String,
    pub text: String,
    /// Lets a client retry without sending the message twice.
    pub client_id: Option<ClientMessageId>,
}

impl Draft {
    /// Validates the text and the client message id.
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

/// A client's id for a message. Messages of one user in one room with the same id are the same message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientMessageId(String);

impl ClientMessageId {
    fn parse(id: String) -> Result<Self, FieldError> {
        if !(1..=MAX_CLIENT_ID_LENGTH).contains(&id.len()) {
            return Err(FieldError::wrong_length(
                "clientMessageId",
                1,
                MAX_CLIENT_ID_LENGTH,
            ));
        }
        if id.contains(char::is_control) {
            return Err(FieldError::new(
                "clientMessageId",
                "control_characters",
                "must not contain control characters",
            ));
        }
        Ok(Self(id))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A plausible message id; the message may not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    pub fn parse(id: String) -> Result<Self, FieldError> {
        if (1..=MAX_ID_LENGTH).contains(&id.len()) {
            Ok(Self(id))
        } else {
            Err(FieldError::invalid_id("id"))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a user may delete a message: its author, even while banned, and the room's moderators may.
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
    fn message_needs_visible_text() {
        assert_eq!(draft(" hello ", None).map(|d| d.text).as_deref(), Ok("hello"));
        for bad in ["", "   ", "\u{200B}\u{200D}", "a\u{7}b", &"x".repeat(501)] {
            assert_eq!(draft(bad, None).unwrap_err().path, "message", "{bad:?}");
        }
    }

    #[test]
    fn client_id_is_limited() {
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
    fn authors_and_moderators_may_delete() {
        let author = UserId(2);
        assert!(may_delete(author, author, Standing::Banned));
        assert!(may_delete(USER, author, Standing::Moderator));
        assert!(may_delete(USER, author, Standing::Owner));
        assert!(!may_delete(USER, author, Standing::Viewer));
        assert!(!may_delete(USER, author, Standing::Banned));
    }
}

use primitives::UserId;

/// Takes the place of a deleted account in stored messages; no account has this id.
pub const DELETED_USER: UserId = UserId(0);
/// Takes the place of a deleted account's username.
pub const DELETED_USERNAME: &str = "deleted user";

/// What chat knows about the stream of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatRoom {
    Existing { owner: UserId, live: bool },
    Deleted,
}

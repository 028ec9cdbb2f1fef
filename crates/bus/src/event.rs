//! The routing key of each event.

use proto::events::v1::event::Payload;

/// The key that an event travels under. A new event does not compile until it has one here.
pub(crate) fn routing_key(payload: &Payload) -> &'static str {
    match payload {
        Payload::UserRegistered(_) => "user.registered",
        Payload::UserUpdated(_) => "user.updated",
        Payload::UserBanned(_) => "user.banned",
        Payload::UserUnbanned(_) => "user.unbanned",
        Payload::UserDeleted(_) => "user.deleted",
        Payload::UserFollowed(_) => "user.followed",
        Payload::UserUnfollowed(_) => "user.unfollowed",
        Payload::TokenRevoked(_) => "token.revoked",
        Payload::StreamStarted(_) => "stream.started",
        Payload::StreamEnded(_) => "stream.ended",
        Payload::StreamUpdated(_) => "stream.updated",
        Payload::StreamDeleted(_) => "stream.deleted",
        Payload::CategoryCreated(_) => "category.created",
        Payload::CategoryUpdated(_) => "category.updated",
        Payload::CategoryDeleted(_) => "category.deleted",
        Payload::RecordingFinished(_) => "recording.finished",
        Payload::VodPublished(_) => "vod.published",
        Payload::VodDeleted(_) => "vod.deleted",
    }
}

use proto::events::v1::event::Payload;

/// Returns the routing key of an event. The exhaustive match forces every new event to have one.
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

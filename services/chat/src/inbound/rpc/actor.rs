//! The caller of a method, and what they may do in a room.

use identity::User;
use primitives::{FieldError, StreamId, UserId};
use proto::Caller;

use crate::app::App;
use crate::domain::{ModerationContext, Standing};
use crate::error::{Error, Result};
use crate::store::moderation::{ModerationCommand, moderate};

/// A user in a room, which may or may not be live.
pub(super) struct Actor<'a> {
    pub(super) user: &'a User,
    pub(super) stream: StreamId,
    pub(super) owner: UserId,
    pub(super) standing: Standing,
}

impl<'a> Actor<'a> {
    pub(super) async fn of(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let (user, stream) = (caller.user()?, stream_id(stream)?);
        let owner = app.rooms.owner(stream).await?.ok_or(Error::StreamNotFound)?;
        Ok(Self {
            user,
            stream,
            owner,
            standing: app.access.standing(stream, owner, user).await?,
        })
    }

    /// Requires the caller to moderate the room.
    pub(super) async fn moderator(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let actor = Self::of(app, caller, stream).await?;
        require(actor.standing.moderates())?;
        Ok(actor)
    }

    /// Requires the caller to be the owner or an admin.
    pub(super) async fn owner(app: &App, caller: &'a Caller, stream: i64) -> Result<Self> {
        let actor = Self::of(app, caller, stream).await?;
        require(actor.standing.manages_moderators())?;
        Ok(actor)
    }

    /// Runs a command in the room and logs it.
    pub(super) async fn run<C: ModerationCommand>(&self, app: &App, command: C) -> Result<C::Output> {
        let context = ModerationContext {
            stream: self.stream,
            actor: self.user.id,
            now: app.clock.now(),
        };
        moderate(&app.mongo, context, command).await
    }
}

pub(super) fn require(allowed: bool) -> Result<()> {
    if allowed { Ok(()) } else { Err(Error::NotAllowed) }
}

pub(super) fn stream_id(id: i64) -> Result<StreamId> {
    Ok(StreamId::try_from(id).map_err(|_| FieldError::invalid_id("streamId"))?)
}

pub(super) fn user_id(id: i64) -> Result<UserId> {
    Ok(UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId"))?)
}

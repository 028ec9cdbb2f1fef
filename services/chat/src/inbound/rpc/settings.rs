//! The settings of a room.

use primitives::StreamId;
use proto::Caller;
use proto::chat::v1::{
    self as pb, GetSettingsRequest, GetSettingsResponse, UpdateSettingsRequest, UpdateSettingsResponse,
};

use super::actor::{Actor, stream_id};
use crate::app::App;
use crate::domain::{Settings, SettingsUpdate};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::settings::settings_get;

pub(super) async fn get(
    app: &App,
    caller: &Caller,
    request: GetSettingsRequest,
) -> Result<GetSettingsResponse> {
    let stream = stream_id(request.stream_id)?;
    let with_words = match &caller.user {
        Some(_) => Actor::of(app, caller, stream.0).await?.standing.moderates(),
        None => {
            app.rooms.owner(stream).await?.ok_or(Error::StreamNotFound)?;
            false
        }
    };
    let settings = settings_get(&app.mongo, stream).await?;
    Ok(GetSettingsResponse {
        settings: Some(message(stream, &settings, with_words)),
    })
}

pub(super) async fn update(
    app: &App,
    caller: &Caller,
    request: UpdateSettingsRequest,
) -> Result<UpdateSettingsResponse> {
    let actor = Actor::moderator(app, caller, request.stream_id).await?;
    let update = SettingsUpdate::parse(
        request.slow_mode_seconds,
        request.followers_only,
        request.blocked_words.map(|blocked| blocked.words),
    )?;
    let settings = actor.run(app, update).await?;
    app.access.invalidate_rules(actor.stream).await;
    push::settings_updated(&app.realtime, actor.stream, &settings);
    Ok(UpdateSettingsResponse {
        settings: Some(message(actor.stream, &settings, true)),
    })
}

fn message(stream: StreamId, settings: &Settings, with_words: bool) -> pb::Settings {
    pb::Settings {
        stream_id: stream.0,
        slow_mode_seconds: settings.slow_mode_seconds,
        followers_only: settings.followers_only,
        blocked_words: with_words.then(|| pb::BlockedWords {
            words: settings.blocked_words.words().to_vec(),
        }),
    }
}

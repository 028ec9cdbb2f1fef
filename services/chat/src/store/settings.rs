//! The collection `settings`: the settings of each room, keyed by stream id.

use mongodb::Collection;
use mongodb::bson::doc;
use mongodb::options::ReturnDocument;
use primitives::StreamId;
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::command::{READ_TIMEOUT, bson_time, within};
use super::log::LogEntry;
use super::moderation::{ModerationCommand, Transaction};
use crate::domain::{BlockedWords, ModerationAction, ModerationContext, Settings, SettingsUpdate};
use crate::error::Result;

pub const SETTINGS: &str = "settings";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsRow {
    #[serde(default)]
    slow_mode_seconds: i64,
    #[serde(default)]
    followers_only: bool,
    #[serde(default)]
    blocked_words: Vec<String>,
}

impl From<SettingsRow> for Settings {
    fn from(row: SettingsRow) -> Self {
        Self {
            slow_mode_seconds: u32::try_from(row.slow_mode_seconds).unwrap_or(0),
            followers_only: row.followers_only,
            blocked_words: BlockedWords::from_stored(row.blocked_words),
        }
    }
}

fn settings(mongo: &Mongo) -> Collection<SettingsRow> {
    mongo.database().collection(SETTINGS)
}

/// Returns a room's settings, or the defaults.
pub async fn settings_get(mongo: &Mongo, stream: StreamId) -> Result<Settings> {
    let settings = settings(mongo);
    let found = settings
        .find_one(doc! { "_id": stream.to_string() })
        .max_time(READ_TIMEOUT);
    Ok(within(found).await?.map(Settings::from).unwrap_or_default())
}

/// Returns the new settings.
impl ModerationCommand for SettingsUpdate {
    type Output = Settings;

    fn entry(&self, context: ModerationContext) -> LogEntry {
        LogEntry::new(context, ModerationAction::SettingsUpdated)
    }

    async fn apply(&self, tx: Transaction<'_>) -> Result<Settings> {
        let mut set = doc! { "updatedAt": bson_time(tx.context.now) };
        if let Some(seconds) = self.slow_mode_seconds {
            set.insert("slowModeSeconds", i64::from(seconds));
        }
        if let Some(followers_only) = self.followers_only {
            set.insert("followersOnly", followers_only);
        }
        if let Some(words) = &self.blocked_words {
            set.insert("blockedWords", words.words().to_vec());
        }
        let settings = settings(tx.mongo);
        let updated = settings
            .find_one_and_update(
                doc! { "_id": tx.context.stream.to_string() },
                doc! { "$set": set },
            )
            .upsert(true)
            .return_document(ReturnDocument::After);
        let updated = updated.session(tx.session).await?;
        Ok(updated.map(Settings::from).unwrap_or_default())
    }
}

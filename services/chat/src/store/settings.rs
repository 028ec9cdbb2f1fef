//! Each room's rules.

use mongodb::bson::doc;
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection};
use primitives::StreamId;
use serde::{Deserialize, Serialize};
use storage::Mongo;

use super::acts::{Act, Acting};
use super::log::Entry;
use super::{READ, bson_time, within};
use crate::domain::{Action, BlockedWords, Settings, SettingsChange};
use crate::error::Result;

/// The collection, by stream id.
pub const SETTINGS: &str = "settings";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default)]
    slow_mode_seconds: i64,
    #[serde(default)]
    followers_only: bool,
    #[serde(default)]
    blocked_words: Vec<String>,
}

impl From<Row> for Settings {
    fn from(row: Row) -> Self {
        Self {
            slow_mode_seconds: u32::try_from(row.slow_mode_seconds).unwrap_or(0),
            followers_only: row.followers_only,
            blocked_words: BlockedWords::stored(row.blocked_words),
        }
    }
}

fn settings(mongo: &Mongo) -> Collection<Row> {
    mongo.database().collection(SETTINGS)
}

/// A room's rules.
///
/// # Errors
/// The store's.
pub async fn settings_get(mongo: &Mongo, stream: StreamId) -> Result<Settings> {
    let settings = settings(mongo);
    let found = settings
        .find_one(doc! { "_id": stream.to_string() })
        .max_time(READ);
    Ok(within(found).await?.map(Settings::from).unwrap_or_default())
}

/// Changes a room's rules; answers what holds now.
impl Act for SettingsChange {
    type Done = Settings;

    fn entry(&self, acting: Acting) -> Entry {
        Entry::new(acting, Action::SettingsUpdated)
    }

    async fn apply(&self, acting: Acting, mongo: &Mongo, session: &mut ClientSession) -> Result<Settings> {
        let mut set = doc! { "updatedAt": bson_time(acting.now) };
        if let Some(seconds) = self.slow_mode_seconds {
            set.insert("slowModeSeconds", i64::from(seconds));
        }
        if let Some(followers_only) = self.followers_only {
            set.insert("followersOnly", followers_only);
        }
        if let Some(words) = &self.blocked_words {
            set.insert("blockedWords", words.words().to_vec());
        }
        let settings = settings(mongo);
        let changed = settings
            .find_one_and_update(doc! { "_id": acting.stream.to_string() }, doc! { "$set": set })
            .upsert(true)
            .return_document(ReturnDocument::After);
        let changed = changed.session(session).await?;
        Ok(changed.map(Settings::from).unwrap_or_default())
    }
}

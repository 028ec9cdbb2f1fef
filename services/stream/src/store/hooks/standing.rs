//! How a connection stands when its node says that it is still there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Client;
use crate::domain::EndReason;
use crate::error::Result;
use crate::schema::{publishes, streams};
use crate::store::Conn;
use crate::store::on_air::PublishRow;

/// What decides an update.
pub(super) struct Standing {
    pub(super) ended: bool,
    end_reason: Option<EndReason>,
    pub(super) seen_at: DateTime<Utc>,
    owner_banned: bool,
    key_revoked: bool,
}

impl Standing {
    pub(super) fn is_refused(&self) -> bool {
        match self.ended {
            true => self.end_reason.is_some_and(EndReason::is_decision),
            false => self.owner_banned || self.key_revoked,
        }
    }
}

pub(super) async fn standing_in(conn: &mut Conn, client: &Client) -> Result<Option<Standing>> {
    use crate::schema::owners;
    type Columns = (PublishRow, Option<String>, Option<DateTime<Utc>>, Option<bool>);
    let row: Option<Columns> = publishes::table
        .left_join(streams::table)
        .left_join(owners::table.on(owners::id.eq(publishes::user_id)))
        .filter(publishes::node.eq(&client.node))
        .filter(publishes::boot_id.eq(&client.boot_id))
        .filter(publishes::client_id.eq(client.id))
        .select((
            PublishRow::as_select(),
            streams::key_fingerprint.nullable(),
            owners::banned_at.nullable(),
            owners::deleted.nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(row, fingerprint, banned_at, deleted)| Standing {
        ended: row.state == "ended",
        end_reason: row.end_reason.as_deref().and_then(|reason| reason.parse().ok()),
        seen_at: row.seen_at,
        owner_banned: banned_at.is_some() || deleted == Some(true),
        key_revoked: fingerprint.is_none_or(|fingerprint| fingerprint != row.key_fingerprint),
    }))
}

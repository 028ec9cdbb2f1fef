//! Decides whether an encoder may continue when its node sends an update.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::EncoderConnection;
use crate::domain::EndReason;
use crate::error::Result;
use crate::schema::{publishes, streams};
use crate::store::Conn;
use crate::store::on_air::PublishRow;

pub(super) struct ConnectionStatus {
    pub(super) ended: bool,
    end_reason: Option<EndReason>,
    pub(super) seen_at: DateTime<Utc>,
    owner_banned: bool,
    key_revoked: bool,
}

impl ConnectionStatus {
    pub(super) fn is_rejected(&self) -> bool {
        if self.ended {
            self.end_reason.is_some_and(EndReason::is_decision)
        } else {
            self.owner_banned || self.key_revoked
        }
    }
}

/// Returns `None` for a connection that was never accepted.
pub(super) async fn status_in(
    conn: &mut Conn,
    connection: &EncoderConnection,
) -> Result<Option<ConnectionStatus>> {
    use crate::schema::owners;
    type Columns = (PublishRow, Option<String>, Option<DateTime<Utc>>, Option<bool>);
    let row: Option<Columns> = publishes::table
        .left_join(streams::table)
        .left_join(owners::table.on(owners::id.eq(publishes::user_id)))
        .filter(publishes::node.eq(connection.node.as_str()))
        .filter(publishes::boot_id.eq(&connection.boot_id))
        .filter(publishes::client_id.eq(connection.client_id))
        .select((
            PublishRow::as_select(),
            streams::key_fingerprint.nullable(),
            owners::banned_at.nullable(),
            owners::deleted.nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(
        row.map(|(row, fingerprint, banned_at, deleted)| ConnectionStatus {
            ended: row.has_ended(),
            end_reason: row.end_reason,
            seen_at: row.seen_at,
            owner_banned: banned_at.is_some() || deleted == Some(true),
            key_revoked: fingerprint.is_none_or(|fingerprint| fingerprint != row.key_fingerprint),
        }),
    )
}

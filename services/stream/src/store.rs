//! The tables of this service, and the viewer leases in Redis; one file per table family. Each function that
//! writes is a transaction that locks the row of the stream first, reads again, lets `domain` decide, and
//! writes the rows and the event.
//!
//! The lock order is: owner, category, stream, publish, broadcast. Public functions open their own
//! transaction; helpers that run within one of the caller end in `_in`.

pub mod broadcasts;
pub mod categories;
pub mod hooks;
pub mod leases;
pub mod on_air;
pub mod owners;
pub mod publish_rejections;
pub mod recordings;
pub mod search;
pub mod streams;
pub mod viewers;

mod text_columns;

use objects::{ImageStore, UrlColumns};
use primitives::Clock;
use storage::Database;

use crate::domain::Keyring;

/// The `NOTIFY` channel that wakes the reconciler on the leading replica.
pub const RECONCILE_CHANNEL: &str = "stream_reconcile";

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub database: Database,
    pub clock: Clock,
    pub keyring: Keyring,
    /// The thumbnails of streams and categories.
    pub pictures: ImageStore,
}

const STREAM_PICTURES: UrlColumns = UrlColumns {
    table: "streams",
    url: "thumbnail_url",
    expires_at: "thumbnail_url_expires_at",
};
const CATEGORY_PICTURES: UrlColumns = UrlColumns {
    table: "categories",
    ..STREAM_PICTURES
};

type Conn = storage::AsyncPgConnection;

/// Wakes the reconciler when the transaction commits.
async fn wake_reconciler_in(conn: &mut Conn) -> diesel::QueryResult<()> {
    storage::notify(conn, RECONCILE_CHANNEL).await
}

//! Our tables, and the leases in Redis. One file per table family; each function that changes something is a
//! transaction that locks the stream's row first, looks again, lets `domain` decide, and writes the rows and
//! the event.
//!
//! The order of locks is: owner, stream, publish, broadcast. What is public here takes care of its
//! transaction; helpers that run in somebody else's end in `_in`.

pub mod broadcasts;
pub mod categories;
pub mod hooks;
pub mod leases;
pub mod on_air;
pub mod owners;
pub mod recordings;
pub mod refusals;
pub mod search;
pub mod streams;
pub mod viewers;

use objects::{Columns, Pictures};
use primitives::Clock;
use storage::Database;

use crate::domain::Keyring;

/// The channel that wakes the reconciler of whichever replica is acting.
pub const RECONCILE: &str = "stream_reconcile";

/// The database, the clock, and the keys that seal secrets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// The pool.
    pub database: Database,
    /// Tells every time that is written.
    pub clock: Clock,
    /// Hashes, seals and opens secrets.
    pub keyring: Keyring,
    /// The pictures of streams and categories.
    pub pictures: Pictures,
}

const STREAM_PICTURES: Columns = Columns {
    table: "streams",
    url: "thumbnail_url",
    expires_at: "thumbnail_url_expires_at",
};
const CATEGORY_PICTURES: Columns = Columns {
    table: "categories",
    ..STREAM_PICTURES
};

type Conn = storage::AsyncPgConnection;

/// Wakes the reconciler when the transaction commits.
async fn wake_reconciler_in(conn: &mut Conn) -> diesel::QueryResult<()> {
    storage::notify(conn, RECONCILE).await
}

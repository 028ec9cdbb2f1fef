//! Objects in the bucket that belong to a service's rows.
//!
//! An object and its row cannot be written in one transaction. Instead, the key is
//! [reserved](ledger::reserve) in the object ledger, the object is uploaded, and the transaction that writes
//! the row [commits](ledger::commit) the key. After a crash in between, the key stays in the ledger and
//! [`delete_due`](ledger::delete_due) deletes the object a day later. A transaction that removes the last
//! reference to an object [schedules its deletion](ledger::schedule_deletion).
//!
//! [`ImageStore`] does all of this for images, and renews the presigned URLs that show them.

pub mod ledger;

mod images;
mod renewal;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use images::{ImageStore, StoredImage, replace};
pub use ledger::PendingDeletion;
pub use renewal::{RenewableUrl, UrlColumns};

/// Creates the table `pending_deletions`. Run these before the service's own migrations.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

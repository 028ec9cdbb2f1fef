//! What a service keeps in the bucket beside its rows.
//!
//! An object and a row cannot be written in one transaction, so the object is [announced](ledger::announce)
//! in the table of objects that are to go, then written, then [kept](ledger::keep) by the transaction that
//! writes the row. Whoever dies in between leaves an announcement, and [`remove_due`](ledger::remove_due)
//! removes the object when its time is over. An object that a row names no more is [doomed](ledger::doom) by
//! the transaction that changes the row.
//!
//! [`Pictures`] does all of this for pictures, and renews the URLs under which they are shown.

pub mod ledger;

mod pictures;
mod renewal;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use ledger::{Doomed, keep_removing};
pub use pictures::{Picture, Pictures, replace};
pub use renewal::{Columns, Shown};

/// The table `doomed_objects`, to be migrated before the service's own.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

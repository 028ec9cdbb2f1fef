//! The table of this crate. Maintained by hand, because it is in the databases of several services and in
//! none of their schema files.

diesel::table! {
    pending_deletions (key) {
        key -> Text,
        version_id -> Nullable<Text>,
        due_at -> Timestamptz,
        attempts -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

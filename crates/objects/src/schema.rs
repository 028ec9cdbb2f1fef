//! The table of this crate. Kept by hand: it is in several services' databases and in no service's schema file.

diesel::table! {
    doomed_objects (key) {
        key -> Text,
        version_id -> Nullable<Text>,
        due_at -> Timestamptz,
        attempts -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

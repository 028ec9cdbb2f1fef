// @generated automatically by Diesel CLI.

diesel::table! {
    categories (id) {
        id -> Int8,
        name -> Text,
        slug -> Text,
        tags -> Array<Nullable<Text>>,
        deleted -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    deleted_streams (id) {
        id -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    owners (id) {
        id -> Int8,
        username -> Text,
        display_name -> Text,
        deleted -> Bool,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    recordings (id) {
        id -> Int8,
        node -> Nullable<Text>,
        file_name -> Text,
        broadcast_id -> Nullable<Int8>,
        vod_id -> Nullable<Int8>,
        state -> Text,
        attempts -> Int4,
        due_at -> Timestamptz,
        last_error -> Nullable<Text>,
        object_key -> Nullable<Text>,
        object_version_id -> Nullable<Text>,
        trace_context -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source -> Text,
        source_version_id -> Nullable<Text>,
        source_sha256 -> Nullable<Text>,
    }
}

diesel::table! {
    vods (id) {
        id -> Int8,
        stream_id -> Nullable<Int8>,
        stream_key -> Nullable<Text>,
        user_id -> Int8,
        title -> Text,
        description -> Text,
        status -> Text,
        failure_reason -> Nullable<Text>,
        video_url -> Nullable<Text>,
        url_expires_at -> Nullable<Timestamptz>,
        b2_file_id -> Nullable<Text>,
        b2_file_name -> Nullable<Text>,
        thumbnail_url -> Nullable<Text>,
        thumbnail_url_expires_at -> Nullable<Timestamptz>,
        b2_thumbnail_file_id -> Nullable<Text>,
        b2_thumbnail_file_name -> Nullable<Text>,
        category_id -> Nullable<Int8>,
        duration_seconds -> Float8,
        view_count -> Int8,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        search_text -> Nullable<Text>,
    }
}

diesel::joinable!(recordings -> vods (vod_id));

diesel::allow_tables_to_appear_in_same_query!(categories, deleted_streams, owners, recordings, vods,);

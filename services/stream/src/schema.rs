// @generated automatically by Diesel CLI.

diesel::table! {
    broadcasts (id) {
        id -> Int8,
        stream_id -> Nullable<Int8>,
        user_id -> Int8,
        title -> Text,
        description -> Text,
        category_id -> Nullable<Int8>,
        state -> Text,
        started_at -> Timestamptz,
        dropped_at -> Nullable<Timestamptz>,
        media_stopped_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        peak_viewers -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    categories (id) {
        id -> Int8,
        name -> Text,
        slug -> Text,
        description -> Text,
        thumbnail_url -> Nullable<Text>,
        thumbnail_url_expires_at -> Nullable<Timestamptz>,
        b2_thumbnail_file_id -> Nullable<Text>,
        b2_thumbnail_file_name -> Nullable<Text>,
        tags -> Array<Nullable<Text>>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    owners (id) {
        id -> Int8,
        username -> Text,
        display_name -> Text,
        banned_at -> Nullable<Timestamptz>,
        deleted -> Bool,
        version -> Int8,
        ban_version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    publish_refusals (id) {
        id -> Int8,
        stream_id -> Int8,
        reason -> Text,
        refused_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    publishes (id) {
        id -> Int8,
        stream_id -> Nullable<Int8>,
        user_id -> Int8,
        broadcast_id -> Nullable<Int8>,
        node -> Text,
        boot_id -> Text,
        client_id -> Int8,
        playback_name -> Text,
        key_fingerprint -> Text,
        state -> Text,
        accepted_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<Text>,
        media_bytes -> Int8,
        seen_at -> Timestamptz,
        grew_at -> Timestamptz,
        trace_context -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    recorded_files (id) {
        id -> Int8,
        publish_id -> Int8,
        node -> Text,
        file_name -> Text,
        announced_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    snapshots (name) {
        name -> Text,
        filled_at -> Timestamptz,
    }
}

diesel::table! {
    streams (id) {
        id -> Int8,
        user_id -> Int8,
        playback_name -> Text,
        secret_hash -> Bytea,
        secret_sealed -> Bytea,
        key_fingerprint -> Text,
        title -> Text,
        description -> Text,
        status -> Text,
        start_time -> Nullable<Timestamptz>,
        end_time -> Nullable<Timestamptz>,
        sort_time -> Timestamptz,
        viewer_count -> Int4,
        thumbnail_url -> Nullable<Text>,
        thumbnail_url_expires_at -> Nullable<Timestamptz>,
        b2_thumbnail_file_id -> Nullable<Text>,
        b2_thumbnail_file_name -> Nullable<Text>,
        category_id -> Nullable<Int8>,
        broadcast_id -> Nullable<Int8>,
        node -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        search_text -> Nullable<Text>,
    }
}

diesel::table! {
    viewer_samples (broadcast_id, sampled_at) {
        broadcast_id -> Int8,
        sampled_at -> Timestamptz,
        viewers -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(broadcasts -> categories (category_id));
diesel::joinable!(broadcasts -> streams (stream_id));
diesel::joinable!(publish_refusals -> streams (stream_id));
diesel::joinable!(publishes -> broadcasts (broadcast_id));
diesel::joinable!(publishes -> streams (stream_id));
diesel::joinable!(recorded_files -> publishes (publish_id));
diesel::joinable!(streams -> categories (category_id));
diesel::joinable!(streams -> owners (user_id));
diesel::joinable!(viewer_samples -> broadcasts (broadcast_id));

diesel::allow_tables_to_appear_in_same_query!(
    broadcasts,
    categories,
    owners,
    publish_refusals,
    publishes,
    recorded_files,
    snapshots,
    streams,
    viewer_samples,
);

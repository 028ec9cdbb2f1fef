// @generated automatically by Diesel CLI.

diesel::table! {
    follows (id) {
        id -> Int8,
        follower_id -> Int8,
        following_id -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Bytea,
        session -> Uuid,
        user_id -> Int8,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        access_expires_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    token_blacklist (token) {
        token -> Text,
        kind -> Text,
        user_id -> Int8,
        valid_from -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> Int8,
        username -> Text,
        username_key -> Text,
        password -> Text,
        display_name -> Text,
        avatar_url -> Nullable<Text>,
        avatar_url_expires_at -> Nullable<Timestamptz>,
        b2_avatar_file_id -> Nullable<Text>,
        b2_avatar_file_name -> Nullable<Text>,
        bio -> Text,
        role -> Text,
        tokens_valid_from -> Nullable<Timestamptz>,
        banned_at -> Nullable<Timestamptz>,
        ban_reason -> Nullable<Text>,
        version -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(refresh_tokens -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(follows, refresh_tokens, token_blacklist, users,);

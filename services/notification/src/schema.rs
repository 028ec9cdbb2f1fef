// @generated automatically by Diesel CLI.

diesel::table! {
    fanouts (id) {
        id -> Int8,
        event_id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        user_id -> Int8,
        related_entity_id -> Int8,
        dedupe_key -> Text,
        message -> Text,
        state -> Text,
        after_follower_id -> Int8,
        pages -> Int4,
        notified -> Int8,
        attempts -> Int4,
        last_error -> Nullable<Text>,
        due_at -> Timestamptz,
        trace_context -> Jsonb,
        occurred_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        subject_title -> Nullable<Text>,
    }
}

diesel::table! {
    notifications (id) {
        id -> Int8,
        user_id -> Int8,
        #[sql_name = "type"]
        type_ -> Text,
        message -> Text,
        is_read -> Bool,
        related_entity_id -> Int8,
        related_entity_type -> Text,
        actor_id -> Int8,
        event_id -> Uuid,
        dedupe_key -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        subject_title -> Nullable<Text>,
    }
}

diesel::table! {
    purges (user_id) {
        user_id -> Int8,
        finished_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(fanouts, notifications, purges,);

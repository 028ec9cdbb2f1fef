//! Written by hand, because these tables exist in every service's database but in no service's schema file.

diesel::table! {
    outbox (id) {
        id -> Uuid,
        routing_key -> Text,
        payload -> Bytea,
        headers -> Jsonb,
        attempts -> Int4,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    inbox (consumer, event_id) {
        consumer -> Text,
        event_id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

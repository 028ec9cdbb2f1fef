CREATE TABLE notifications (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id BIGINT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('new_follower', 'stream_started', 'new_vod')),
    message TEXT NOT NULL,
    is_read BOOLEAN NOT NULL DEFAULT false,
    related_entity_id BIGINT NOT NULL,
    related_entity_type TEXT NOT NULL CHECK (related_entity_type IN ('user', 'stream', 'vod')),
    -- The user who caused it: the follower, streamer or uploader. The row is deleted with that account.
    actor_id BIGINT NOT NULL,
    event_id UUID NOT NULL,
    dedupe_key TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT notifications_user_dedupe UNIQUE (user_id, dedupe_key)
);

-- For lists, newest first; the partial index serves lists and counts of unread notifications.
CREATE INDEX notifications_of_user ON notifications (user_id, id);
CREATE INDEX notifications_unread ON notifications (user_id, id) WHERE NOT is_read;
CREATE INDEX notifications_of_actor ON notifications (actor_id);
CREATE INDEX notifications_age ON notifications (created_at);

CREATE TABLE fanouts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id UUID NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('new_follower', 'stream_started', 'new_vod')),
    -- The user whose followers are notified; for new_follower, the user who is notified.
    user_id BIGINT NOT NULL,
    related_entity_id BIGINT NOT NULL,
    dedupe_key TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'abandoned')),
    -- The fence: the next page starts after this follower, and only a job that names it may write.
    after_follower_id BIGINT NOT NULL DEFAULT 0,
    pages INTEGER NOT NULL DEFAULT 0,
    notified BIGINT NOT NULL DEFAULT 0,
    -- Failed attempts at the current page, and the error of the last one.
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    -- When the reconciler checks that the job of the current page still exists.
    due_at TIMESTAMPTZ NOT NULL,
    trace_context JSONB NOT NULL DEFAULT '{}',
    occurred_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT fanouts_event UNIQUE (event_id),
    CONSTRAINT fanouts_user_dedupe UNIQUE (user_id, dedupe_key)
);

CREATE INDEX fanouts_running ON fanouts (due_at) WHERE state = 'running';
CREATE INDEX fanouts_age ON fanouts (created_at);
CREATE INDEX fanouts_of_follower ON fanouts (related_entity_id) WHERE type = 'new_follower';

-- Deleted accounts: their rows are removed in batches, and late events about them are ignored.
CREATE TABLE purges (
    user_id BIGINT PRIMARY KEY,
    finished_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

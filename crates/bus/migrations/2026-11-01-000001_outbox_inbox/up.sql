-- Unpublished events. A relay publishes a row and deletes it after the broker's confirm.
CREATE TABLE outbox (
    id UUID PRIMARY KEY,
    routing_key TEXT NOT NULL,
    payload BYTEA NOT NULL,
    -- The trace context of the transaction that emitted it.
    headers JSONB NOT NULL,
    -- How many times publishing failed or found no queue.
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due ON outbox (due_at);
CREATE INDEX outbox_created ON outbox (created_at);

-- Handled events. A consumer inserts the id in the transaction of the effect.
CREATE TABLE inbox (
    consumer TEXT NOT NULL,
    event_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_created ON inbox (created_at);

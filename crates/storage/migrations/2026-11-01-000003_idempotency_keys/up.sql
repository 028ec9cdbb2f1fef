-- What requests made that their clients may send again. A row is written in the transaction that makes it.
CREATE TABLE idempotency_keys (
    user_id bigint NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    -- SHA-256 of what the request said.
    fingerprint bytea NOT NULL,
    -- The id of what it made; null only inside the transaction that makes it.
    made bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- The results of creating requests, so that retries are safe. Each row is written by the transaction that
-- creates the result.
CREATE TABLE idempotency_keys (
    user_id bigint NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    -- SHA-256 of the request's content.
    fingerprint bytea NOT NULL,
    -- The id of the result; null only until its transaction commits.
    made bigint,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

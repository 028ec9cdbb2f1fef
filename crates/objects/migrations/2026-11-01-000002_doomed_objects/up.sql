-- Objects of the bucket that are to go. One that is being written is here before it is there.
CREATE TABLE IF NOT EXISTS doomed_objects (
    key text PRIMARY KEY,
    version_id text,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS doomed_objects_due_idx ON doomed_objects (due_at);

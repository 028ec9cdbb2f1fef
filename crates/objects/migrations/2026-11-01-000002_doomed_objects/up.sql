-- Objects that no row uses yet, or any longer, and when to delete them.
CREATE TABLE IF NOT EXISTS doomed_objects (
    key text PRIMARY KEY,
    version_id text,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS doomed_objects_due_idx ON doomed_objects (due_at);

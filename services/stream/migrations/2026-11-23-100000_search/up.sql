-- Indexes LIKE patterns. The extension is trusted since PostgreSQL 13, so the owner of the database may
-- create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- The searched text: title, description, owner and category, normalised by primitives::search. NULL until
-- indexed.
ALTER TABLE streams ADD COLUMN search_text text;
CREATE INDEX streams_search_idx ON streams USING gin (search_text gin_trgm_ops);
CREATE INDEX streams_unindexed_idx ON streams (id) WHERE search_text IS NULL;
CREATE INDEX owners_username_idx ON owners (lower(username));

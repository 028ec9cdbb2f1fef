-- Indexes patterns. A trusted extension since PostgreSQL 13: the database's owner may
-- create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- The normalised title, description, owner and category (primitives::search). Null until it is written.
ALTER TABLE vods ADD COLUMN search_text text;
CREATE INDEX vods_search_idx ON vods USING gin (search_text gin_trgm_ops);
CREATE INDEX vods_unindexed_idx ON vods (id) WHERE search_text IS NULL;
CREATE INDEX owners_username_idx ON owners (lower(username));

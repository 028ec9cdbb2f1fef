DROP INDEX owners_username_idx;
ALTER TABLE vods DROP COLUMN search_text;
DROP EXTENSION pg_trgm;

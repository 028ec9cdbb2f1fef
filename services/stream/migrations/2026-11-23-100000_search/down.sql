DROP INDEX owners_username_idx;
ALTER TABLE streams DROP COLUMN search_text;
DROP EXTENSION pg_trgm;

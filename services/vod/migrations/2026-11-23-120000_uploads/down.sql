DROP INDEX recordings_object_key;
-- Rows that an older version cannot read.
DELETE FROM recordings WHERE node IS NULL;
ALTER TABLE recordings
    DROP CONSTRAINT recordings_source_has_place,
    DROP COLUMN source_sha256,
    DROP COLUMN source_version_id,
    DROP COLUMN source;

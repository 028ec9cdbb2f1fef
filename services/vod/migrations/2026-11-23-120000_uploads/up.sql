-- Where a job's video comes from: a node's disk, or an object of the bucket, whose key is then the file's
-- name. An object that somebody uploaded is ours and goes when it has done its work; an imported one stays.
ALTER TABLE recordings
    ADD COLUMN source text NOT NULL DEFAULT 'disk'
        CONSTRAINT recordings_source_known CHECK (source IN ('disk', 'upload', 'import', 'gone')),
    ADD COLUMN source_version_id text,
    ADD COLUMN source_sha256 text,
    ADD CONSTRAINT recordings_source_has_place CHECK ((source = 'disk') = (node IS NOT NULL));
-- One VOD for an object; the constraint above it takes no notice of jobs without a node.
CREATE UNIQUE INDEX recordings_object_key ON recordings (file_name) WHERE node IS NULL AND vod_id IS NOT NULL;

-- The source of a job: a file on the disk of a node, or an object in the bucket, whose key is the file name. An
-- uploaded object is deleted when the job is done; an imported one is kept.
ALTER TABLE recordings
    ADD COLUMN source text NOT NULL DEFAULT 'disk'
        CONSTRAINT recordings_source_known CHECK (source IN ('disk', 'upload', 'import', 'gone')),
    ADD COLUMN source_version_id text,
    ADD COLUMN source_sha256 text,
    ADD CONSTRAINT recordings_source_has_place CHECK ((source = 'disk') = (node IS NOT NULL));
-- One VOD per object. The unique constraint on node and file name ignores rows without a node.
CREATE UNIQUE INDEX recordings_object_key ON recordings (file_name) WHERE node IS NULL AND vod_id IS NOT NULL;

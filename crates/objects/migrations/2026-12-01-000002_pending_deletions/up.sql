ALTER TABLE doomed_objects RENAME TO pending_deletions;
ALTER INDEX doomed_objects_pkey RENAME TO pending_deletions_pkey;
ALTER INDEX doomed_objects_due_idx RENAME TO pending_deletions_due_idx;
-- Replicas of the previous version use the old name until a rolling update has replaced them. PostgreSQL updates
-- the table through the view; the release after this one drops it.
CREATE VIEW doomed_objects AS SELECT * FROM pending_deletions;

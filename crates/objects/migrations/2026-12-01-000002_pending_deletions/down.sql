DROP VIEW doomed_objects;
ALTER INDEX pending_deletions_due_idx RENAME TO doomed_objects_due_idx;
ALTER INDEX pending_deletions_pkey RENAME TO doomed_objects_pkey;
ALTER TABLE pending_deletions RENAME TO doomed_objects;

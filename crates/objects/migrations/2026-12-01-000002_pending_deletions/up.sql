ALTER TABLE doomed_objects RENAME TO pending_deletions;
ALTER INDEX doomed_objects_pkey RENAME TO pending_deletions_pkey;
ALTER INDEX doomed_objects_due_idx RENAME TO pending_deletions_due_idx;

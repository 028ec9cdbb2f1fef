-- The title of the stream or VOD when the notification was created. NULL for a new follower, which has no
-- subject, and for rows that are older than this column.
ALTER TABLE notifications ADD COLUMN subject_title TEXT;
ALTER TABLE fanouts ADD COLUMN subject_title TEXT;

ALTER TABLE fanouts DROP COLUMN subject_title;
ALTER TABLE notifications DROP COLUMN subject_title;

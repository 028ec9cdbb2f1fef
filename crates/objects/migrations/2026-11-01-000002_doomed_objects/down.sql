DROP TABLE doomed_objects;

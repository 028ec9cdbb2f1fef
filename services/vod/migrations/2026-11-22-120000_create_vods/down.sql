DROP TABLE recordings;
DROP TABLE vods;
DROP TABLE deleted_streams;
DROP TABLE categories;
DROP TABLE owners;

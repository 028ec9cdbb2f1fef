CREATE TABLE things (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL CONSTRAINT things_name_key UNIQUE
);

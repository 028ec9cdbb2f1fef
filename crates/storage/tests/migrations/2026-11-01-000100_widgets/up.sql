CREATE TABLE widgets (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL CONSTRAINT widgets_name_key UNIQUE
);

DROP TABLE refresh_tokens;
DROP TABLE token_blacklist;
DROP SEQUENCE follows_version;
DROP TABLE follows;
DROP TABLE users;
DROP FUNCTION touch_updated_at();

-- Keeps updated_at current without any statement naming it.
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username TEXT NOT NULL,
    -- Usernames ignore case. "C", because some locales lower an I to another letter.
    username_key TEXT NOT NULL GENERATED ALWAYS AS (lower(username COLLATE "C")) STORED,
    password TEXT NOT NULL,
    display_name TEXT NOT NULL,
    avatar_url TEXT,
    avatar_url_expires_at TIMESTAMPTZ,
    b2_avatar_file_id TEXT,
    b2_avatar_file_name TEXT,
    bio TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'moderator', 'admin')),
    -- Access tokens with an earlier iat are revoked. A whole second.
    tokens_valid_from TIMESTAMPTZ,
    banned_at TIMESTAMPTZ,
    ban_reason TEXT,
    -- Increases with each change that other services receive as an event.
    version BIGINT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE follows (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    follower_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    following_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (follower_id <> following_id)
);
CREATE UNIQUE INDEX follows_pair ON follows (follower_id, following_id);
-- A fan-out reads a user's followers in the order of their ids.
CREATE INDEX follows_followers ON follows (following_id, follower_id);
-- Lists show the newest first.
CREATE INDEX follows_newest_followers ON follows (following_id, id);
CREATE INDEX follows_newest_following ON follows (follower_id, id);
CREATE TRIGGER follows_touch BEFORE UPDATE ON follows FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
-- The versions of follow events, since an unfollow deletes the row.
CREATE SEQUENCE follows_version;

CREATE TABLE token_blacklist (
    -- The jti of a token, the sid of a session, or "user:" and the id of a user.
    token TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'session', 'user')),
    user_id BIGINT NOT NULL,
    -- For a user: tokens with an earlier iat are revoked.
    valid_from TIMESTAMPTZ CHECK ((valid_from IS NOT NULL) = (kind = 'user')),
    -- When the last of the revoked tokens has expired, leeway included.
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX token_blacklist_expiry ON token_blacklist (expires_at);
-- The order in which other services fetch new revocations.
CREATE INDEX token_blacklist_news ON token_blacklist (updated_at, token);
CREATE TRIGGER token_blacklist_touch BEFORE UPDATE ON token_blacklist FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token.
    hash BYTEA PRIMARY KEY,
    -- The sid of the session's access tokens.
    session UUID NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL,
    -- A used token is kept until it expires, so that reuse is detected.
    used_at TIMESTAMPTZ,
    -- When the access token issued with it expires.
    access_expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE TRIGGER refresh_tokens_touch BEFORE UPDATE ON refresh_tokens FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

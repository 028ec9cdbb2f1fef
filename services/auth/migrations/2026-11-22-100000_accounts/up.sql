-- No statement has to remember the column.
CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username TEXT NOT NULL,
    -- Two names are the same without case. "C": no locale makes another letter of an I.
    username_key TEXT NOT NULL GENERATED ALWAYS AS (lower(username COLLATE "C")) STORED,
    password TEXT NOT NULL,
    display_name TEXT NOT NULL,
    avatar_url TEXT,
    avatar_url_expires_at TIMESTAMPTZ,
    b2_avatar_file_id TEXT,
    b2_avatar_file_name TEXT,
    bio TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'moderator', 'admin')),
    -- Access tokens with an earlier iat are refused; a whole second.
    tokens_valid_from TIMESTAMPTZ,
    banned_at TIMESTAMPTZ,
    ban_reason TEXT,
    -- Rises with each change that other services hear of.
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
-- A fan-out reads the followers of one user in the order of their ids.
CREATE INDEX follows_followers ON follows (following_id, follower_id);
-- Lists show the newest first.
CREATE INDEX follows_newest_followers ON follows (following_id, id);
CREATE INDEX follows_newest_following ON follows (follower_id, id);
CREATE TRIGGER follows_touch BEFORE UPDATE ON follows FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
-- Orders the facts about follows, whose rows come and go.
CREATE SEQUENCE follows_version;

CREATE TABLE token_blacklist (
    -- What the refused tokens carry: their jti, their sid, or for a whole user "user:" and its id.
    token TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'session', 'user')),
    user_id BIGINT NOT NULL,
    -- For a whole user: tokens with an earlier iat are refused.
    valid_from TIMESTAMPTZ CHECK ((valid_from IS NOT NULL) = (kind = 'user')),
    -- When the last of the tokens has expired, leeway included.
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX token_blacklist_expiry ON token_blacklist (expires_at);
-- The order in which other services ask for what is new.
CREATE INDEX token_blacklist_news ON token_blacklist (updated_at, token);
CREATE TRIGGER token_blacklist_touch BEFORE UPDATE ON token_blacklist FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token.
    hash BYTEA PRIMARY KEY,
    -- The sid of the access tokens that belong to it.
    session UUID NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL,
    -- Kept until it expires, so that a second use is noticed.
    used_at TIMESTAMPTZ,
    -- When the access token that was handed out beside it expires.
    access_expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
CREATE TRIGGER refresh_tokens_touch BEFORE UPDATE ON refresh_tokens FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

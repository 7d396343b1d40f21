-- The log of every change, in the order it was decided. `at` is in milliseconds since the Unix epoch.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    repo     TEXT,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT;

-- The few changes that are counted by day.
CREATE INDEX resolutions ON changes (at, repo, kind) WHERE kind IN ('auto-coexist', 'auto-narrow');

-- The active claims. It stays small; nothing but its number is indexed, because all of it is in memory.
CREATE TABLE claims (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL,
    repo          TEXT,
    engineer      TEXT NOT NULL,
    session_id    TEXT,
    branch        TEXT,
    description   TEXT,
    claim_type    TEXT NOT NULL,
    pattern       TEXT NOT NULL,
    literal       INTEGER NOT NULL,
    symbols       TEXT,
    severity      TEXT NOT NULL,
    narrowable    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ttl_shortened INTEGER NOT NULL
) STRICT;

-- The claims that are over, until retention drops them. Columns as in `claims`, so that a row moves over as it is.
CREATE TABLE ended_claims (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL,
    repo          TEXT,
    engineer      TEXT NOT NULL,
    session_id    TEXT,
    branch        TEXT,
    description   TEXT,
    claim_type    TEXT NOT NULL,
    pattern       TEXT NOT NULL,
    literal       INTEGER NOT NULL,
    symbols       TEXT,
    severity      TEXT NOT NULL,
    narrowable    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ttl_shortened INTEGER NOT NULL,
    last_activity INTEGER NOT NULL,
    released_at   INTEGER NOT NULL,
    release_kind  TEXT NOT NULL
) STRICT;

-- Who shares files with whom by a recorded resolution, a row for either side. A row goes when its claim ends; that of
-- the partner, who stays, may name a claim that is gone.
CREATE TABLE sharing (
    claim   INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    PRIMARY KEY (claim, partner)
) STRICT, WITHOUT ROWID;

-- When a session last gave a sign of life.
CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    last_activity INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grants that were asked for under an idempotency key, so that a retry gets the first answer.
CREATE TABLE answers (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    at          INTEGER NOT NULL,
    receipt     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

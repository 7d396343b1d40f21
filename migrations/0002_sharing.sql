-- When a claim would end had nobody asked for it, where asking brought its end forward.
ALTER TABLE claims ADD COLUMN promised_until INTEGER;
ALTER TABLE ended_claims ADD COLUMN promised_until INTEGER;

CREATE INDEX ended_claims_by_id ON ended_claims (id);

-- The files that two holders agreed to share. A row goes when either claim ends.
CREATE TABLE agreements (
    claim   INTEGER NOT NULL,
    partner INTEGER NOT NULL,
    pattern TEXT NOT NULL,
    literal INTEGER NOT NULL,
    PRIMARY KEY (claim, partner)
) STRICT, WITHOUT ROWID;

CREATE INDEX agreements_by_partner ON agreements (partner);

-- Who waits and who waited. `request` and `behind` are JSON; `state` is `waiting`, `granted` or why it was left.
CREATE TABLE queue (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL,
    repo          TEXT,
    engineer      TEXT NOT NULL,
    arrival       INTEGER NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    urgency       TEXT NOT NULL,
    host          TEXT NOT NULL,
    request       TEXT NOT NULL,
    behind        TEXT NOT NULL,
    state         TEXT NOT NULL,
    ended_at      INTEGER,
    granted_claim TEXT
) STRICT;

CREATE INDEX queue_waiting ON queue (number) WHERE state = 'waiting';
CREATE INDEX queue_by_id ON queue (id);

-- Who was asked to let go, and what became of it. `decision` is `pending` while it is open.
CREATE TABLE requests (
    number                INTEGER PRIMARY KEY,
    id                    TEXT NOT NULL,
    claim                 INTEGER NOT NULL,
    claim_id              TEXT NOT NULL,
    repo                  TEXT,
    holder                TEXT NOT NULL,
    holder_session        TEXT,
    pattern               TEXT NOT NULL,
    requester             TEXT NOT NULL,
    session_id            TEXT,
    reason                TEXT,
    urgency               TEXT NOT NULL,
    requested_scope       TEXT,
    original_expires_at   INTEGER NOT NULL,
    shortened_expires_at  INTEGER NOT NULL,
    created_at            INTEGER NOT NULL,
    notified              INTEGER NOT NULL,
    decision              TEXT NOT NULL,
    decided_at            INTEGER,
    decided_by_engineer   TEXT,
    decided_by_session_id TEXT,
    note                  TEXT
) STRICT;

CREATE INDEX requests_open ON requests (number) WHERE decision = 'pending';
CREATE INDEX requests_by_id ON requests (id);
CREATE INDEX requests_by_claim ON requests (claim_id);

-- Which records of the log are about which request.
CREATE TABLE request_log (
    request  TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (request, revision)
) STRICT, WITHOUT ROWID;

-- What was asked for in vain, a row for each scope and each holder in its way. `holder` is a claim's number.
CREATE TABLE conflict_log (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    repo       TEXT,
    pattern    TEXT NOT NULL,
    engineer   TEXT NOT NULL,
    session_id TEXT,
    holder     INTEGER NOT NULL
) STRICT;

CREATE INDEX conflict_log_by_time ON conflict_log (at);
CREATE INDEX conflict_log_by_holder ON conflict_log (holder);
CREATE INDEX conflict_log_by_pattern ON conflict_log (pattern, at);

-- The rules of ownership, one row. `shared` is what they list as shared, JSON.
CREATE TABLE ownership (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    text     TEXT NOT NULL,
    shared   TEXT NOT NULL
) STRICT;

-- What is to be sent to a webhook, written with the changes that it tells of. Times are in milliseconds since the Unix
-- epoch. While a row is being sent it is `taken`, and `next_attempt_at` is when whoever sends it counts as gone.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    delivery_id     TEXT NOT NULL,
    url             TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    payload         TEXT NOT NULL,
    status          TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'exhausted')),
    taken           INTEGER NOT NULL DEFAULT 0,
    retry_count     INTEGER NOT NULL DEFAULT 0,
    last_attempt_at INTEGER,
    last_error      TEXT,
    next_attempt_at INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    delivered_at    INTEGER
) STRICT;

-- What is due. Few rows are pending at any time.
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE status = 'pending';

-- What happened lately, and what retention drops.
CREATE INDEX outbox_created ON outbox (created_at);

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

-- Fifth schema. STRICT tables, times in milliseconds since 1970 (UTC), days counted from 1970-01-01 (UTC).

-- Budgets: what each SIM sent on each day, kept with every attempt, so that the count of a month is a few rows among any number
-- of attempts, and stays right when those are gone. `parts` are attempts that left the box.
CREATE TABLE sim_days (
    sim   BLOB NOT NULL REFERENCES sims (id),
    day   INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    -- People in `sim_people` with this day.
    recipients INTEGER NOT NULL,
    PRIMARY KEY (sim, day)
) STRICT, WITHOUT ROWID;

-- Whom each SIM wrote to, and when last; `before` is the day it was before the last attempt, should nothing of that leave the box.
CREATE TABLE sim_people (
    number INTEGER NOT NULL REFERENCES numbers (id),
    sim    BLOB NOT NULL REFERENCES sims (id),
    day    INTEGER NOT NULL,
    before INTEGER,
    PRIMARY KEY (number, sim)
) STRICT, WITHOUT ROWID;

-- When a SIM's budget (`cap`, the index in Cap::ALL) last came near its end (`reached` 0) or to it (1): told once a window.
CREATE TABLE sim_marks (
    sim     BLOB NOT NULL REFERENCES sims (id),
    cap     INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (sim, cap, reached)
) STRICT, WITHOUT ROWID;

-- What an event is about, beside `message` and `inbound`.
ALTER TABLE events ADD COLUMN sim BLOB;

-- Since when a SIM's texts are dropped silently, by its delivery reports; NULL while they are not.
ALTER TABLE sims ADD COLUMN dropped_since INTEGER;

-- Whom which message was begun to in the last day, while a recipient may get only so many.
CREATE TABLE texted (
    number  INTEGER NOT NULL REFERENCES numbers (id),
    message BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (number, message)
) STRICT, WITHOUT ROWID;

CREATE INDEX texted_at ON texted (at);

-- What a person entered of a SIM's plan, by the names of the configuration.
CREATE TABLE sim_plans (
    sim   BLOB NOT NULL REFERENCES sims (id),
    key   TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (sim, key)
) STRICT, WITHOUT ROWID;

-- The last two months of each SIM: no budget looks further back.
INSERT INTO sim_days
    SELECT a.sim, a.written_at / 86400000, count(*), 0 FROM sims s CROSS JOIN attempts a ON a.sim = s.id
    WHERE a.written_at > (SELECT max(written_at) FROM attempts WHERE sim = s.id) - 62 * 86400000 AND a.state <> 4
    GROUP BY 1, 2;
INSERT INTO sim_people (number, sim, day)
    SELECT m.number, a.sim, max(a.written_at) / 86400000 FROM sims s CROSS JOIN attempts a ON a.sim = s.id
    JOIN messages m ON m.id = a.message
    WHERE a.written_at > (SELECT max(written_at) FROM attempts WHERE sim = s.id) - 62 * 86400000 AND a.state <> 4
    GROUP BY 1, 2;
UPDATE sim_days SET recipients = p.n
    FROM (SELECT sim, day, count(*) AS n FROM sim_people GROUP BY 1, 2) AS p
    WHERE p.sim = sim_days.sim AND p.day = sim_days.day;

-- Windows: the part of the day that the caller named, as "0900-2000 Europe/Dublin"; and when the hours that a message keeps to open, or
-- opened, for it. Nothing stands there for one that they never kept back.
ALTER TABLE messages ADD COLUMN window TEXT;
ALTER TABLE messages ADD COLUMN opens_at INTEGER;

-- Batches: the same to many.

-- Of `recipients`, the first `prepared` have their message; what the others need stands in `batch_intakes`, sealed with `data_key`.
-- `state` is the index in BatchState::ALL. `swept`: the last message it was carried out for; NULL when it was for all.
CREATE TABLE batches (
    id           BLOB PRIMARY KEY NOT NULL,
    service      BLOB NOT NULL REFERENCES services (id),
    state        INTEGER NOT NULL,
    swept        BLOB,
    recipients   INTEGER NOT NULL,
    prepared     INTEGER NOT NULL,
    duplicates   INTEGER NOT NULL,
    invalid      INTEGER NOT NULL,
    parts        INTEGER NOT NULL,
    name         TEXT,
    reference    TEXT,
    category     INTEGER,
    priority     INTEGER NOT NULL,
    send_at      INTEGER,
    valid_until  INTEGER NOT NULL,
    data_key     BLOB,
    created_at   INTEGER NOT NULL,
    completed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX batches_service ON batches (service, id);
CREATE INDEX batches_open ON batches (id) WHERE completed_at IS NULL;

-- Some recipients that have no message yet; gone once they have. With rows of their own: they are long.
CREATE TABLE batch_intakes (
    batch   BLOB NOT NULL REFERENCES batches (id),
    place   INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (batch, place)
) STRICT;

-- Messages of each batch by status; under 100 those that are final (store/tally.rs).
CREATE TABLE batch_counts (
    batch  BLOB NOT NULL REFERENCES batches (id),
    status INTEGER NOT NULL,
    value  INTEGER NOT NULL,
    PRIMARY KEY (batch, status)
) STRICT, WITHOUT ROWID;

-- As `idempotency_keys`; the answer has neither number nor text.
CREATE TABLE batch_keys (
    digest      BLOB PRIMARY KEY NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    batch       BLOB NOT NULL REFERENCES batches (id),
    status      INTEGER NOT NULL,
    response    TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX batch_keys_created ON batch_keys (created_at);
CREATE INDEX batch_keys_batch ON batch_keys (batch);

ALTER TABLE messages ADD COLUMN batch BLOB REFERENCES batches (id);
CREATE INDEX messages_batch ON messages (batch, id) WHERE batch IS NOT NULL;
ALTER TABLE events ADD COLUMN batch BLOB;

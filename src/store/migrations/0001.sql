-- The first schema. Ids are the 16 octets of a ULID, times are milliseconds since 1970 in UTC, states are the index in
-- the ALL table of their type. Sealed columns hold key id, nonce, cipher text and tag (store/seal.rs).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
    id         BLOB PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id            BLOB PRIMARY KEY NOT NULL,
    service       BLOB NOT NULL REFERENCES services (id),
    label         TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
    scopes        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

-- A number of a person, or the name a sender goes by. Everything sealed about the person is sealed with `data_key`:
-- with it gone, so is the person; the row stays for what refers to it.
CREATE TABLE numbers (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    tail_hash  BLOB,
    data_key   BLOB,
    number     BLOB,
    reference  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE modems (
    id           BLOB PRIMARY KEY NOT NULL,
    label        TEXT NOT NULL,
    imei         TEXT UNIQUE,
    manufacturer TEXT NOT NULL,
    model        TEXT NOT NULL,
    firmware     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sims (
    id            BLOB PRIMARY KEY NOT NULL,
    iccid         TEXT UNIQUE,
    imsi          TEXT,
    number        TEXT,
    modem         BLOB NOT NULL REFERENCES modems (id),
    created_at    INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `status`, `final`, `delivery`, the counts of parts, `due_at` and `wake_at` follow from the other columns and the
-- parts; they are written in the same transaction.
--   due_at   when the next waiting part may go; NULL when none may
--   wake_at  when time alone changes something; NULL when nothing does
CREATE TABLE messages (
    id              BLOB PRIMARY KEY NOT NULL,
    service         BLOB NOT NULL REFERENCES services (id),
    number          INTEGER NOT NULL REFERENCES numbers (id),
    status          INTEGER NOT NULL,
    final           INTEGER NOT NULL,
    delivery        INTEGER NOT NULL,
    held            INTEGER,
    priority        INTEGER NOT NULL,
    due_at          INTEGER,
    wake_at         INTEGER,
    send_at         INTEGER,
    valid_until     INTEGER NOT NULL,
    on_unknown      INTEGER NOT NULL,
    delivery_report INTEGER NOT NULL,
    withdrawn       INTEGER NOT NULL DEFAULT 0,
    possible_copy   INTEGER NOT NULL DEFAULT 0,
    sim             BLOB REFERENCES sims (id),
    avoid           BLOB REFERENCES sims (id),
    attempts        INTEGER NOT NULL DEFAULT 0,
    error           INTEGER,
    network_code    INTEGER,
    alphabet        INTEGER NOT NULL,
    units           INTEGER NOT NULL,
    part_count      INTEGER NOT NULL CHECK (part_count BETWEEN 1 AND 10),
    parts_accepted  INTEGER NOT NULL DEFAULT 0,
    parts_delivered INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    queued_at       INTEGER,
    submitted_at    INTEGER,
    sent_at         INTEGER,
    delivered_at    INTEGER,
    final_at        INTEGER,
    reference       TEXT,
    metadata        TEXT,
    body            BLOB
) STRICT, WITHOUT ROWID;

-- A claim is one seek per lane; finished messages are not in it.
CREATE INDEX messages_due ON messages (priority, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX messages_wake ON messages (wake_at, id) WHERE wake_at IS NOT NULL;
CREATE INDEX messages_service ON messages (service, id);
-- All but sent and delivered ones (codes: the index in MessageStatus::ALL), which people look for among millions.
CREATE INDEX messages_trouble ON messages (service, status, id) WHERE status NOT IN (7, 8);
CREATE INDEX messages_reference ON messages (service, reference, id) WHERE reference IS NOT NULL;

CREATE TABLE parts (
    message        BLOB NOT NULL REFERENCES messages (id),
    sequence       INTEGER NOT NULL,
    id             BLOB NOT NULL,
    state          INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    possible_copy  INTEGER NOT NULL DEFAULT 0,
    sim            BLOB,
    tp_mr          INTEGER,
    error          INTEGER,
    network_code   INTEGER,
    unknown_at     INTEGER,
    unknowns       INTEGER NOT NULL DEFAULT 0,
    accepted_at    INTEGER,
    reported_at    INTEGER,
    tp_st          INTEGER,
    smsc_timestamp INTEGER,
    discharged_at  INTEGER,
    content        BLOB,
    PRIMARY KEY (message, sequence)
) STRICT, WITHOUT ROWID;

-- `awaiting` marks the attempts that a delivery report may still speak of: accepted or unknown ones of parts whose fate
-- is open.
CREATE TABLE attempts (
    message        BLOB NOT NULL,
    sequence       INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    id             BLOB NOT NULL,
    state          INTEGER NOT NULL,
    awaiting       INTEGER NOT NULL,
    modem          BLOB NOT NULL REFERENCES modems (id),
    sim            BLOB NOT NULL REFERENCES sims (id),
    expected_tp_mr INTEGER,
    tp_mr          INTEGER,
    network_code   INTEGER,
    written_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    smsc_timestamp INTEGER,
    PRIMARY KEY (message, sequence, number),
    FOREIGN KEY (message, sequence) REFERENCES parts (message, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_open ON attempts (id) WHERE state IN (0, 3);
CREATE INDEX attempts_sim ON attempts (sim, written_at);
CREATE INDEX attempts_awaiting ON attempts (sim, tp_mr, written_at) WHERE awaiting = 1;

-- Delivery reports as they came. `message` is NULL for one that fits nothing (yet).
CREATE TABLE reports (
    id             BLOB PRIMARY KEY NOT NULL,
    sim            BLOB NOT NULL REFERENCES sims (id),
    tp_mr          INTEGER NOT NULL,
    tp_st          INTEGER NOT NULL,
    smsc_timestamp INTEGER,
    discharged_at  INTEGER,
    received_at    INTEGER NOT NULL,
    number         INTEGER NOT NULL REFERENCES numbers (id),
    message        BLOB,
    sequence       INTEGER,
    raw            BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX reports_orphan ON reports (sim, tp_mr, received_at) WHERE message IS NULL;
CREATE INDEX reports_held ON reports (sim, number, received_at) WHERE message IS NULL;
CREATE INDEX reports_word ON reports (number, tp_mr, coalesce(smsc_timestamp, received_at)) WHERE message IS NOT NULL;

CREATE TABLE inbound_messages (
    id             BLOB PRIMARY KEY NOT NULL,
    service        BLOB NOT NULL REFERENCES services (id),
    sim            BLOB NOT NULL REFERENCES sims (id),
    number         INTEGER NOT NULL REFERENCES numbers (id),
    parts          INTEGER NOT NULL,
    incomplete     INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    smsc_timestamp INTEGER,
    body           BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX inbound_service ON inbound_messages (service, id);

-- Received TPDUs. `inbound` is NULL while the other parts are waited for.
CREATE TABLE inbound_parts (
    id             BLOB PRIMARY KEY NOT NULL,
    inbound        BLOB REFERENCES inbound_messages (id),
    sim            BLOB NOT NULL REFERENCES sims (id),
    number         INTEGER NOT NULL REFERENCES numbers (id),
    reference      INTEGER NOT NULL,
    bits           INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    smsc_timestamp INTEGER,
    raw            BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX inbound_parts_of ON inbound_parts (inbound) WHERE inbound IS NOT NULL;
CREATE INDEX inbound_parts_open ON inbound_parts (sim, number, bits, reference, total) WHERE inbound IS NULL;
CREATE INDEX inbound_parts_late ON inbound_parts (received_at) WHERE inbound IS NULL;

-- Keyed digests of what came from modems in the last 7 days: the same TPDU read twice is one.
CREATE TABLE seen (
    digest  BLOB PRIMARY KEY NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_at ON seen (seen_at);

-- One row a key for 7 days. `digest` covers service, scope and key; `response` is sealed for the recipient.
CREATE TABLE idempotency_keys (
    digest      BLOB PRIMARY KEY NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    message     BLOB NOT NULL REFERENCES messages (id),
    status      INTEGER NOT NULL,
    response    BLOB,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_created ON idempotency_keys (created_at);

-- Gap-free: the store numbers them itself.
CREATE TABLE events (
    sequence   INTEGER PRIMARY KEY,
    id         BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    service    BLOB NOT NULL,
    message    BLOB,
    inbound    BLOB,
    created_at INTEGER NOT NULL
) STRICT;

-- Counts kept with every change: by status now, and by quarter of an hour for what happened when (store/tally.rs).
CREATE TABLE tallies (
    kind    INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    value   INTEGER NOT NULL,
    PRIMARY KEY (kind, quarter)
) STRICT, WITHOUT ROWID;

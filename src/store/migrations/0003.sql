-- Third schema: what must outlive a restart besides messages. STRICT tables, times in milliseconds since 1970 (UTC).

-- Modems and SIMs: a PIN given but not yet answered, the state of the ladder, what people ordered.

-- PINs given to a card whose answer is not known (`refused` 0), and those it refused. `holder` is its ICCID, or the label of the
-- modem when the SIM does not tell it while locked; the PIN is a keyed hash with its holder. `tries_left` is the card's counter
-- before the last time, `times` how often it was given without an answer.
CREATE TABLE pin_tries (
    digest     BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 16),
    holder     TEXT NOT NULL,
    refused    INTEGER NOT NULL,
    tries_left INTEGER NOT NULL,
    times      INTEGER NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO pin_tries SELECT digest, holder, 1, 0, 1, refused_at FROM refused_pins;
DROP TABLE refused_pins;

-- What people took from the modem of a slot (0: sending, 1: everything), and who was in it then.
CREATE TABLE modem_pasts (
    label TEXT PRIMARY KEY NOT NULL,
    imei  TEXT,
    ban   INTEGER
) STRICT, WITHOUT ROWID;

-- What its recovery has learned: one row for each step that disturbs and was ever taken.
CREATE TABLE modem_steps (
    label  TEXT NOT NULL REFERENCES modem_pasts (label),
    level  INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    today  INTEGER NOT NULL,
    tried  INTEGER NOT NULL,
    helped INTEGER NOT NULL,
    worse  INTEGER NOT NULL,
    PRIMARY KEY (label, level)
) STRICT, WITHOUT ROWID;

-- Life of a message: what was withdrawn, held as stale, resolved by a person.

-- Category (the index in Category::ALL); NULL when the caller named none.
ALTER TABLE messages ADD COLUMN category INTEGER;
-- A person let it go after its moment had passed: its moment is then.
ALTER TABLE messages ADD COLUMN released_at INTEGER;
-- What waits for a person, by reason (1 is the index of Held in MessageStatus::ALL).
CREATE INDEX messages_held ON messages (held) WHERE status = 1;

-- The file itself: retention, the outbox, the reserve.

-- Sensitivity: 0 as usual, 1 sensitive, 2 a code. Decides how long the text stays after the end.
ALTER TABLE messages ADD COLUMN sensitivity INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_text ON messages (sensitivity, final_at) WHERE final_at IS NOT NULL AND body IS NOT NULL;
-- Only for codes: when the stored answer, which holds the text, is emptied.
ALTER TABLE idempotency_keys ADD COLUMN erase_at INTEGER;
CREATE INDEX idempotency_erase ON idempotency_keys (erase_at) WHERE erase_at IS NOT NULL;
-- Until when something was under way with this person, to a day.
ALTER TABLE numbers ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
UPDATE numbers SET used_at = created_at;
UPDATE numbers SET used_at = max(used_at, m.last)
    FROM (SELECT number, max(valid_until) AS last FROM messages GROUP BY number) AS m WHERE m.number = numbers.id;
UPDATE numbers SET used_at = max(used_at, m.last)
    FROM (SELECT number, max(received_at) AS last FROM inbound_messages GROUP BY number) AS m WHERE m.number = numbers.id;
CREATE INDEX numbers_used ON numbers (used_at) WHERE data_key IS NOT NULL;
-- What went through one SIM, among millions.
CREATE INDEX messages_sim ON messages (service, sim, id) WHERE sim IS NOT NULL;

-- What webhooks are still to be told, one row a webhook and event. `due_at` is NULL for what was given up; `resource` is the
-- message or received message, whose events go in order.
CREATE TABLE outbox (
    webhook  TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    resource BLOB NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    due_at   INTEGER,
    PRIMARY KEY (webhook, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (webhook, due_at, sequence) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_order ON outbox (webhook, resource, sequence) WHERE due_at IS NOT NULL;

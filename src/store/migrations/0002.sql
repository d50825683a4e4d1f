-- The bank as people care for it: SIMs with plan, credit and successor, PINs that were refused, what was received and is no
-- reply, loopback tests, and the record of who did what.

ALTER TABLE sims ADD COLUMN operator TEXT;
ALTER TABLE sims ADD COLUMN plan TEXT;
ALTER TABLE sims ADD COLUMN note TEXT;
ALTER TABLE sims ADD COLUMN balance TEXT;
ALTER TABLE sims ADD COLUMN balance_at INTEGER;
-- Nothing goes out through it; what comes in is taken.
ALTER TABLE sims ADD COLUMN receive_only INTEGER NOT NULL DEFAULT 0;
-- The SIM that people it wrote to are written to through now; never a SIM that is replaced itself.
ALTER TABLE sims ADD COLUMN replaced_by BLOB REFERENCES sims (id);
CREATE INDEX sims_replaced ON sims (replaced_by) WHERE replaced_by IS NOT NULL;

-- The SIM this person was last written to through.
ALTER TABLE numbers ADD COLUMN sim BLOB REFERENCES sims (id);

-- Through `sim` or not at all.
ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;

-- InboundKind: 0 is a text that is handed on, the others are kept for technicians.
ALTER TABLE inbound_messages ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbound_sender ON inbound_messages (number, received_at) WHERE kind = 0;
CREATE INDEX inbound_kept ON inbound_messages (service, id) WHERE kind <> 0;

-- PINs that a SIM refused or never answered: never given to it again. `holder` is its ICCID, or the label of the modem
-- when the SIM does not tell it while locked; the PIN is a keyed hash with its holder.
CREATE TABLE refused_pins (
    digest     BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 16),
    holder     TEXT NOT NULL,
    refused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A text from a SIM to its own number.
CREATE TABLE loopbacks (
    id         BLOB PRIMARY KEY NOT NULL,
    sim        BLOB NOT NULL REFERENCES sims (id),
    message    BLOB NOT NULL REFERENCES messages (id),
    token      TEXT NOT NULL,
    ends_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    arrived_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX loopbacks_open ON loopbacks (token) WHERE arrived_at IS NULL;
CREATE INDEX loopbacks_sim ON loopbacks (sim, id);

-- Who did what, to what, when; written before it is done. How it ended is a row of its own. Neither ever changes.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    target   TEXT NOT NULL,
    detail   TEXT NOT NULL
) STRICT;

CREATE TABLE audit_outcomes (
    sequence INTEGER PRIMARY KEY REFERENCES audit (sequence),
    at       INTEGER NOT NULL,
    outcome  TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit rows never change'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit rows never change'); END;
CREATE TRIGGER audit_outcomes_stay BEFORE UPDATE ON audit_outcomes BEGIN SELECT raise(ABORT, 'audit rows never change'); END;
CREATE TRIGGER audit_outcomes_are_kept BEFORE DELETE ON audit_outcomes BEGIN SELECT raise(ABORT, 'audit rows never change'); END;

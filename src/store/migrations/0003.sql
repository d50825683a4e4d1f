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

-- Life of a message: what was withdrawn, held as stale, resolved by a person.

-- The file itself: retention, the outbox, the reserve.

-- Third schema: what must outlive a restart besides messages. STRICT tables, times in milliseconds since 1970 (UTC).

-- Modems and SIMs: a PIN given but not yet answered, the state of the ladder, what people ordered.

-- Life of a message: what was withdrawn, held as stale, resolved by a person.

-- The file itself: retention, the outbox, the reserve.

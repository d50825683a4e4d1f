-- Fourth schema. STRICT tables, times in milliseconds since 1970 (UTC).

-- Lanes: which SIMs may take a message.

-- Way: nothing for every SIM, 8 octets for a pool (PoolId), 16 for one SIM.
ALTER TABLE messages ADD COLUMN way BLOB NOT NULL DEFAULT x'';
UPDATE messages SET way = sim WHERE wake_at IS NOT NULL AND pinned = 1 AND sim IS NOT NULL;
-- A claim is one seek per lane; what waits for nothing is not in it.
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (way, priority, service, due_at, id) WHERE due_at IS NOT NULL;

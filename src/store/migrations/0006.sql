-- Sixth schema.

-- Pools and routes as people entered them over the API, in the place of those of the configuration. `what` is "pool " with its name, or
-- "routes" for the whole list; `value` is JSON (store/sharing.rs).
CREATE TABLE sharing (
    what  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The position of the primary's write-ahead log when the primary last answered each caller
-- (core.replica). UNLOGGED: a crash may lose rows, and the primary answers callers without a row.
CREATE UNLOGGED TABLE core_position (
    caller_id   uuid        PRIMARY KEY,
    position    pg_lsn      NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 70);

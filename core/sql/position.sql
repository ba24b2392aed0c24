-- How far the primary's log had been written when each caller was last answered by it
-- (core.replica). UNLOGGED: whoever is lost in a crash is unknown, and unknown is safe.
CREATE UNLOGGED TABLE core_position (
    caller_id uuid        PRIMARY KEY,
    seen      pg_lsn      NOT NULL,
    seen_at   timestamptz NOT NULL
) WITH (fillfactor = 70);

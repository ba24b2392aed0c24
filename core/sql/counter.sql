-- The counters of the rate limits (core.counters). UNLOGGED: losing them in a crash does no harm.
CREATE UNLOGGED TABLE core_counter (
    key        varchar(255) PRIMARY KEY,
    value      bigint       NOT NULL,
    expires_at timestamptz  NOT NULL
);

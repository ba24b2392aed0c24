-- The counters of the rate limits (core.counters). UNLOGGED: they are worth no write-ahead log.
CREATE UNLOGGED TABLE core_counter (
    key        varchar(255) PRIMARY KEY,
    value      bigint       NOT NULL,
    expires_at timestamptz  NOT NULL
);

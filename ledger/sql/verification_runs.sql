-- A verification under way. It goes by 64 ranges of wallets, each in a database transaction of its own: no
-- snapshot lives long enough to hold vacuum back.
CREATE TABLE ledger_verificationrun (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    ranges_done       integer     NOT NULL DEFAULT 0,
    findings          integer     NOT NULL DEFAULT 0,
    unbalanced_assets integer     -- NULL: not looked at yet
);

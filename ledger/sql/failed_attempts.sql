-- How many failed attempts of two accounts go on record. Each is a row for good in the history of both, so
-- either could fill the other's. There is one list for two accounts, whichever pays and whatever wallets
-- they have: who opens another wallet gets no more of them.
--
-- The limit is in the setting `ledger.failed_attempts` of the caller's transaction. Without it, as in release
-- 0.3.0, nothing is counted.
CREATE TABLE ledger_failedattempts (
    one_id    uuid          NOT NULL,
    other_id  uuid          NOT NULL,
    failed_at timestamptz[] NOT NULL,  -- oldest first; some may be older than an hour
    PRIMARY KEY (one_id, other_id),
    CONSTRAINT pair_in_order CHECK (one_id < other_id)
);
SELECT for_app_role('REVOKE INSERT, UPDATE ON ledger_failedattempts FROM wallet_app');

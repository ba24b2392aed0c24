-- One row, one movement: money leaves `source` and enters `target`. A row is inserted once and
-- never changed; with exactly one source and one target of one asset, an unbalanced transaction
-- cannot be written.
--
-- No foreign keys: `ledger_post` has read both wallets under its lock and wallets are never deleted;
-- with a foreign key, every deposit would share-lock the system wallet's row.
CREATE TABLE ledger_transaction (
    id                   uuid    NOT NULL DEFAULT uuidv7(),
    kind                 varchar NOT NULL,
    asset_id             varchar NOT NULL,
    amount_minor         bigint  NOT NULL,
    source_id            uuid    NOT NULL,
    target_id            uuid    NOT NULL,
    source_is_system     boolean NOT NULL,
    target_is_system     boolean NOT NULL,
    source_balance_minor bigint,          -- after it; NULL: a system wallet, or failed
    target_balance_minor bigint,
    source_version       bigint,          -- the wallet's version after the transaction
    target_version       bigint,
    failure_code         varchar,         -- NULL: completed
    summary              varchar NOT NULL DEFAULT '',
    actor_id             uuid,            -- the user who made the call; NULL: the service itself
    request_id           varchar NOT NULL DEFAULT '',
    origin_id            uuid,            -- the charge that is refunded
    group_id             uuid,            -- transactions that commit all or none
    created_at           timestamptz GENERATED ALWAYS AS (uuid_extract_timestamp(id)) VIRTUAL,
    PRIMARY KEY (id),
    CONSTRAINT amount_positive CHECK (amount_minor > 0),
    CONSTRAINT source_is_not_target CHECK (source_id <> target_id),
    CONSTRAINT completed_has_balances CHECK (
        (source_balance_minor IS NULL) = (source_is_system OR failure_code IS NOT NULL)
        AND (target_balance_minor IS NULL) = (target_is_system OR failure_code IS NOT NULL)
        AND (source_version IS NULL) = (source_balance_minor IS NULL)
        AND (target_version IS NULL) = (target_balance_minor IS NULL)
    ),
    -- A CASE, because initializing a list of legal rows cost more than the insert itself.
    CONSTRAINT legal_movement CHECK (
        CASE WHEN kind = 'adjustment' THEN source_is_system <> target_is_system
        ELSE kind IN ('deposit', 'withdrawal', 'transfer', 'charge', 'refund', 'topup', 'bonus',
                      'spend')
             AND source_is_system = (kind IN ('deposit', 'topup', 'bonus'))
             AND target_is_system = (kind IN ('withdrawal', 'spend'))
        END
    )
) PARTITION BY RANGE (id);

-- A wallet's history, newest first, page by page.
CREATE INDEX ledger_transaction_of_source ON ledger_transaction (source_id, id);
CREATE INDEX ledger_transaction_of_target ON ledger_transaction (target_id, id);

SELECT make_append_only('ledger_transaction');

-- Each wallet's side of a transaction. The branches carry no WHERE: with one inside, PostgreSQL
-- sorts a busy wallet's whole history instead of reading two indexes from their ends.
CREATE VIEW ledger_entry AS
    SELECT id AS transaction_id, source_id AS wallet_id, target_id AS counterparty_id,
           'DEBIT' AS direction, source_is_system AS wallet_is_system,
           target_is_system AS counterparty_is_system, kind, asset_id, amount_minor,
           source_balance_minor AS balance_after_minor, source_version AS version,
           failure_code, summary, actor_id, request_id, origin_id, created_at
      FROM ledger_transaction
    UNION ALL
    SELECT id, target_id, source_id, 'CREDIT', target_is_system, source_is_system, kind, asset_id,
           amount_minor, target_balance_minor, target_version, failure_code, summary, actor_id,
           request_id, origin_id, created_at
      FROM ledger_transaction;

-- What a transaction says of a hold and of a fee.
ALTER TABLE ledger_transaction
    ADD COLUMN hold_id           uuid,   -- of a hold, a capture and a release
    ADD COLUMN source_held_minor bigint, -- what is held of the source after it, where it changes that
    ADD COLUMN fee_minor         bigint; -- of a charge or a capture: the fee that is taken in its group

-- A hold and a release leave both balances as they were. They are an entry of the payer's, and none of the
-- company's: or a busy company would wait for what concerns its payers alone.
--
-- NOT VALID: PostgreSQL does not read all rows while the table is locked; the next migration validates.
ALTER TABLE ledger_transaction
    DROP CONSTRAINT completed_has_balances,
    ADD CONSTRAINT completed_has_balances CHECK (
        (source_balance_minor IS NULL) = (source_is_system OR failure_code IS NOT NULL)
        AND (target_balance_minor IS NULL)
            = (target_is_system OR failure_code IS NOT NULL OR kind IN ('hold', 'release'))
        AND (source_version IS NULL) = (source_balance_minor IS NULL)
        AND (target_version IS NULL) = (target_balance_minor IS NULL)
    ) NOT VALID,
    ADD CONSTRAINT completed_has_held CHECK (
        (source_held_minor IS NULL)
            = (failure_code IS NOT NULL OR kind NOT IN ('hold', 'capture', 'release'))
        AND (hold_id IS NOT NULL OR source_held_minor IS NULL)
        AND (hold_id IS NULL OR kind IN ('hold', 'capture', 'release'))
    ) NOT VALID,
    ADD CONSTRAINT fee_within_amount CHECK (
        fee_minor IS NULL
        OR (fee_minor BETWEEN 0 AND amount_minor AND kind IN ('charge', 'capture')
            AND failure_code IS NULL)
    ) NOT VALID,
    DROP CONSTRAINT legal_movement,
    ADD CONSTRAINT legal_movement CHECK (
        CASE WHEN kind = 'adjustment' THEN source_is_system <> target_is_system
        ELSE kind IN ('deposit', 'withdrawal', 'transfer', 'charge', 'refund', 'topup', 'bonus',
                      'spend', 'hold', 'capture', 'release', 'split', 'fee', 'fee_return')
             AND source_is_system = (kind IN ('deposit', 'topup', 'bonus', 'fee_return'))
             AND target_is_system = (kind IN ('withdrawal', 'spend', 'fee'))
        END
    ) NOT VALID;

-- As in payment_columns.sql, with the new columns at the end. Still without a WHERE in its branches: whether
-- the wallet's history has an entry is a column.
CREATE OR REPLACE VIEW ledger_entry AS
    SELECT id AS transaction_id, source_id AS wallet_id, target_id AS counterparty_id,
           'DEBIT' AS direction, source_is_system AS wallet_is_system,
           target_is_system AS counterparty_is_system, kind, asset_id, amount_minor,
           source_balance_minor AS balance_after_minor, source_version AS version,
           failure_code, summary, actor_id, request_id, origin_id, created_at, paytoken_id,
           payment_request_id, group_id, hold_id, source_held_minor AS held_after_minor, fee_minor,
           true AS is_listed
      FROM ledger_transaction
    UNION ALL
    SELECT id, target_id, source_id, 'CREDIT', target_is_system, source_is_system, kind, asset_id,
           amount_minor, target_balance_minor, target_version, failure_code, summary, actor_id,
           request_id, origin_id, created_at, paytoken_id, payment_request_id, group_id, hold_id,
           NULL, fee_minor, kind NOT IN ('hold', 'release')
      FROM ledger_transaction;

-- What a charge was paid by, and what its refunds give back. Both NULL: by the wallet's token.
ALTER TABLE ledger_transaction
    ADD COLUMN paytoken_id        uuid,
    ADD COLUMN payment_request_id uuid;

-- As in transactions.sql, with the new columns at the end.
CREATE OR REPLACE VIEW ledger_entry AS
    SELECT id AS transaction_id, source_id AS wallet_id, target_id AS counterparty_id,
           'DEBIT' AS direction, source_is_system AS wallet_is_system,
           target_is_system AS counterparty_is_system, kind, asset_id, amount_minor,
           source_balance_minor AS balance_after_minor, source_version AS version,
           failure_code, summary, actor_id, request_id, origin_id, created_at, paytoken_id,
           payment_request_id
      FROM ledger_transaction
    UNION ALL
    SELECT id, target_id, source_id, 'CREDIT', target_is_system, source_is_system, kind, asset_id,
           amount_minor, target_balance_minor, target_version, failure_code, summary, actor_id,
           request_id, origin_id, created_at, paytoken_id, payment_request_id
      FROM ledger_transaction;

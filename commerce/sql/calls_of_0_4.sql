-- See ledger/sql/calls_of_0_4.sql.
CREATE OR REPLACE FUNCTION pay_request_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order_v2, request_id varchar,
    template varchar, decimals integer, shows_wallets boolean, tip bigint
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean
)
LANGUAGE sql
SET search_path = public, pg_temp AS $$
    SELECT fingerprint, status_code, body, transaction_id, replayed FROM pay_request_once(
        unverified_digest, caller, idempotency_key, operation, request_fingerprint, kept_since,
        ARRAY[order_of_0_4(posted)], request_id, template, 200::smallint, decimals, shows_wallets, tip)
$$;

-- What processes of 0.4.0 call while the next release is deployed, and after a roll-back. The release after
-- that drops them, and the type `ledger_order_v2`.
CREATE OR REPLACE FUNCTION order_of_0_4(o ledger_order_v2) RETURNS ledger_order_v3 LANGUAGE sql IMMUTABLE
RETURN ROW(o.kind, o.source_id, o.target_id, o.amount_minor, o.summary, o.actor_id, o.origin_id, o.group_id,
           o.paytoken_id, o.payment_request_id, NULL, NULL, NULL, NULL, NULL)::ledger_order_v3;

CREATE OR REPLACE FUNCTION ledger_post(
    orders ledger_order_v2[], request_id varchar, all_or_none boolean
)
RETURNS TABLE (
    transaction_id uuid, failure_code varchar, source_balance_minor bigint,
    target_balance_minor bigint, available_minor bigint
)
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT transaction_id, failure_code, source_balance_minor, target_balance_minor, available_minor
      FROM ledger_post(
               ARRAY(SELECT order_of_0_4(ROW(o.*)::ledger_order_v2) FROM unnest(orders) AS o),
               request_id, all_or_none)
$$;

CREATE OR REPLACE FUNCTION ledger_post_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order_v2, request_id varchar,
    template varchar, decimals integer, shows_wallets boolean
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean
)
LANGUAGE sql
SET search_path = public, pg_temp AS $$
    SELECT fingerprint, status_code, body, transaction_id, replayed FROM ledger_post_once(
        unverified_digest, caller, idempotency_key, operation, request_fingerprint, kept_since,
        ARRAY[order_of_0_4(posted)], request_id, template, 200::smallint, decimals, shows_wallets)
$$;

-- What processes of 0.2.0 called while 0.3.0 was deployed, and after a roll-back. `0002` still runs this
-- file, and `0003` drops both, and the type `ledger_order`: no_calls_of_0_2.sql.

-- A refund is of what its charge was paid by. An order that would be refused without a row has no outcome
-- that 0.2.0 knows: it raises, and nothing moves.
CREATE OR REPLACE FUNCTION ledger_post(orders ledger_order[], request_id varchar, all_or_none boolean)
RETURNS TABLE (
    transaction_id uuid, failure_code varchar, source_balance_minor bigint,
    target_balance_minor bigint, available_minor bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    FOR transaction_id, failure_code, source_balance_minor, target_balance_minor, available_minor IN
        SELECT * FROM ledger_post(
            ARRAY(SELECT ROW(o.kind, o.source_id, o.target_id, o.amount_minor, o.summary, o.actor_id,
                             o.origin_id, o.group_id, t.paytoken_id,
                             t.payment_request_id)::ledger_order_v2
                    FROM unnest(orders) WITH ORDINALITY AS o (
                             kind, source_id, target_id, amount_minor, summary, actor_id, origin_id,
                             group_id, place)
                    LEFT JOIN ledger_transaction t ON o.kind = 'refund' AND t.id = o.origin_id
                   ORDER BY o.place),
            request_id, all_or_none)
    LOOP
        IF transaction_id IS NULL THEN
            RAISE EXCEPTION 'ledger_post: % by the rules of this wallet.', failure_code
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION ledger_post_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order, request_id varchar,
    template varchar, decimals integer
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean
)
LANGUAGE sql AS $$
    SELECT * FROM ledger_post_once(
        unverified_digest, caller, idempotency_key, operation, request_fingerprint, kept_since,
        ROW(posted.kind, posted.source_id, posted.target_id, posted.amount_minor, posted.summary,
            posted.actor_id, posted.origin_id, posted.group_id, NULL, NULL)::ledger_order_v2,
        request_id, template, decimals, false)
$$;

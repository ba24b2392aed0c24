-- Marks a request as paid by a transaction of the same database transaction, under the lock of the
-- payee's wallet. Returns whether it was open at that moment.
--
-- 0.4.0 gives no fee.
CREATE OR REPLACE FUNCTION settle_payment_request(
    request uuid, moment timestamptz, paid_by uuid, from_wallet uuid, paid bigint, tip bigint,
    fee bigint DEFAULT NULL
)
RETURNS boolean LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE commerce_paymentrequest r
       SET status = 'paid', paid_at = moment, paid_minor = paid, tip_minor = tip,
           fee_minor = fee, payer_wallet_id = from_wallet, transaction_id = paid_by
     WHERE r.id = request AND r.status = 'open' AND r.expires_at > moment;
    RETURN FOUND;
END
$$;

-- The fast way of a payment: `ledger_post_once`, and the request it pays. When the request ended in the
-- meantime it raises PR001, so that nothing has happened; the plain way then tells why.
CREATE OR REPLACE FUNCTION pay_request_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order_v3[], request_id varchar,
    template varchar, success_status smallint, decimals integer, shows_wallets boolean, tip bigint
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean,
    amount_minor bigint, fee_minor bigint
)
LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    FOR fingerprint, status_code, body, transaction_id, replayed, amount_minor, fee_minor IN
        SELECT * FROM ledger_post_once(
            unverified_digest, caller, idempotency_key, operation, request_fingerprint, kept_since,
            posted, request_id, template, success_status, decimals, shows_wallets)
    LOOP
        IF NOT replayed AND NOT settle_payment_request(
            posted[1].payment_request_id, current_moment(), transaction_id, posted[1].source_id,
            posted[1].amount_minor, tip, fee_minor)
        THEN
            RAISE EXCEPTION 'The payment request is no longer open.'
                USING ERRCODE = 'PR001';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

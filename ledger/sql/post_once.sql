-- The fast way: one order, its idempotency key and its answer in one statement, which is its own
-- transaction. It does what `claim_idempotency_key`, `ledger_post` and `record_answer` do in a unit of
-- work, without the trips between them. A busy wallet is locked for as long as this runs, and no longer.
--
-- It returns the answer, or the first answer when the key was used before (`replayed`). It returns no
-- row when the order would fail or cannot be tried: then nothing was written, and the caller goes the
-- plain way, which looks at everything, writes the failed attempt and makes the refusal.
--
-- `unverified_digest`: of the caller's token, when the caller is known from an earlier call only; if the
-- token has died since, there is no row either. NULL: the token has been verified.
-- `idempotency_key`: NULL when none was sent.
-- `template`: the answer, with %1$s for the source's balance after the movement, %2$s for the target's,
-- %3$s for the transaction's id and %4$s for its time. Balances have `decimals` digits after the point.
-- `shows_wallets`: it also has %5$s for who may charge the source and %6$s for the source's label, as a
-- JSON string, and %7$s and %8$s for the same of the target.
CREATE OR REPLACE FUNCTION ledger_post_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order_v2, request_id varchar,
    template varchar, decimals integer, shows_wallets boolean
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean
)
LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    outcome record;
    unit numeric;
    source_charges varchar;
    source_label   json;
    target_charges varchar;
    target_label   json;
BEGIN
    IF unverified_digest IS NOT NULL AND NOT token_is_valid(unverified_digest, caller) THEN
        RETURN;
    END IF;
    IF idempotency_key IS NOT NULL THEN
        RETURN QUERY
            SELECT c.fingerprint, c.status_code, c.body, c.transaction_id, true
              FROM claim_idempotency_key(caller, idempotency_key, kept_since) c;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT * INTO outcome FROM ledger_post(ARRAY[posted], request_id, true);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    unit := 10::numeric ^ decimals;
    IF shows_wallets THEN
        SELECT charges, to_json(label) INTO source_charges, source_label
          FROM wallets_wallet WHERE id = posted.source_id;
        SELECT charges, to_json(label) INTO target_charges, target_label
          FROM wallets_wallet WHERE id = posted.target_id;
    END IF;
    fingerprint := request_fingerprint;
    status_code := 200;
    body := convert_to(
        format(
            template,
            round(outcome.source_balance_minor / unit, decimals),
            round(outcome.target_balance_minor / unit, decimals),
            outcome.transaction_id,
            to_char(uuid_extract_timestamp(outcome.transaction_id) AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            source_charges, source_label, target_charges, target_label
        ),
        'UTF8');
    transaction_id := outcome.transaction_id;
    replayed := false;
    IF idempotency_key IS NOT NULL THEN
        PERFORM record_answer(caller, idempotency_key, operation, request_fingerprint, kept_since,
                              200, body, outcome.transaction_id);
    END IF;
    RETURN NEXT;
END
$$;

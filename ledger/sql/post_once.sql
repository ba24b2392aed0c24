-- The fast way: one order or one group, its idempotency key and its answer in one statement, which is its
-- own transaction. It does what `claim_idempotency_key`, `ledger_post` and `record_answer` do in a unit of
-- work, without the trips between them. A busy wallet is locked for as long as this runs, and no longer.
--
-- It returns the answer, or the first answer when the key was used before (`replayed`). It returns no
-- row when an order would fail or cannot be tried: then nothing was written but the release of what had
-- expired, and the caller goes the plain way, which looks at everything, writes the failed attempt and makes
-- the refusal.
--
-- `unverified_digest`: of the caller's token, when the caller is known from an earlier call only; if the
-- token has died since, there is no row either. NULL: the token has been verified.
-- `idempotency_key`: NULL when none was sent.
-- `success_status`: the status of the answer. `template`: the answer, with %1$s for the balance of the first order's source after all, %2$s for its
-- target's, %3$s for its transaction's id, %4$s for its time, and %9$s for the fee. Amounts have `decimals`
-- digits after the point.
-- `shows_wallets`: it also has %5$s for who may charge the source and %6$s for the source's label, as a
-- JSON string, and %7$s and %8$s for the same of the target.
-- When the order is about a hold, %10$s is its status, %11$s its amount, %12$s what was captured of it, %13$s
-- what remains, %14$s when it expires and %15$s when it was made.
CREATE OR REPLACE FUNCTION in_rfc3339(moment timestamptz) RETURNS varchar LANGUAGE sql STABLE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE OR REPLACE FUNCTION ledger_post_once(
    unverified_digest varchar, caller uuid, idempotency_key varchar, operation varchar,
    request_fingerprint bytea, kept_since timestamptz, posted ledger_order_v3[], request_id varchar,
    template varchar, success_status smallint, decimals integer, shows_wallets boolean
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean,
    amount_minor bigint, fee_minor bigint
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
    hold           ledger_hold;
BEGIN
    IF unverified_digest IS NOT NULL AND NOT token_is_valid(unverified_digest, caller) THEN
        RETURN;
    END IF;
    IF idempotency_key IS NOT NULL THEN
        RETURN QUERY
            SELECT c.fingerprint, c.status_code, c.body, c.transaction_id, true, NULL::bigint,
                   NULL::bigint
              FROM claim_idempotency_key(caller, idempotency_key, kept_since) c;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT * INTO outcome FROM ledger_post(posted, request_id, true);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    unit := 10::numeric ^ decimals;
    -- The fee and the splits have left the target's wallet since.
    IF outcome.fee_minor > 0 OR cardinality(posted) > 1 THEN
        SELECT balance_minor INTO outcome.target_balance_minor
          FROM wallets_wallet WHERE id = posted[1].target_id;
    END IF;
    IF posted[1].hold_id IS NOT NULL THEN
        SELECT * INTO STRICT hold FROM ledger_hold WHERE id = posted[1].hold_id;
    END IF;
    IF shows_wallets THEN
        SELECT charges, to_json(label) INTO source_charges, source_label
          FROM wallets_wallet WHERE id = posted[1].source_id;
        SELECT charges, to_json(label) INTO target_charges, target_label
          FROM wallets_wallet WHERE id = posted[1].target_id;
    END IF;
    fingerprint := request_fingerprint;
    status_code := success_status;
    body := convert_to(
        format(
            template,
            round(outcome.source_balance_minor / unit, decimals),
            round(outcome.target_balance_minor / unit, decimals),
            outcome.transaction_id,
            in_rfc3339(uuid_extract_timestamp(outcome.transaction_id)),
            source_charges, source_label, target_charges, target_label,
            round(coalesce(outcome.fee_minor, 0) / unit, decimals),
            hold.status, round(hold.amount_minor / unit, decimals),
            round(hold.captured_minor / unit, decimals),
            round((hold.amount_minor - hold.captured_minor - hold.released_minor) / unit, decimals),
            in_rfc3339(hold.expires_at), in_rfc3339(hold.created_at)
        ),
        'UTF8');
    transaction_id := outcome.transaction_id;
    replayed := false;
    amount_minor := outcome.amount_minor;
    fee_minor := outcome.fee_minor;
    IF idempotency_key IS NOT NULL THEN
        PERFORM record_answer(caller, idempotency_key, operation, request_fingerprint, kept_since,
                              success_status, body, outcome.transaction_id);
    END IF;
    RETURN NEXT;
END
$$;
